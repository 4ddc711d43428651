"""YAML as it is read: places of all that stands in it, and everything refused that could harm or mean two things."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.config.document import MAX_BYTES, Misread, Place, parse_document, read_document
from runtime.config.finding import Finding


def misread(text: str) -> str:
    with pytest.raises(Misread) as caught:
        parse_document(text)
    return caught.value.problem.line(Path("c.yaml"))


def test_keys_and_values_have_their_places() -> None:
    document = parse_document("a:\n  b: 1\n  c: [x, yes]\n")
    assert document.data == {"a": {"b": 1, "c": ["x", True]}}
    assert document.at_key(Finding(("a", "b"), "")).place == Place(2, 3)
    assert document.at_value(Finding(("a", "b"), "")).place == Place(2, 6)
    assert document.at_value(Finding(("a", "c", 1), "")).place == Place(3, 10)
    assert document.at_value(Finding(("a", "new", "deeper"), "")).place == Place(2, 3), "the nearest that is written"
    assert document.texts["a", "c", 1] == "yes"


def test_keys_are_taken_as_written() -> None:
    assert list(parse_document("on: 1\nno: 2\n007: 3\n22:00: 4\n").data) == ["on", "no", "007", "22:00"]


def test_a_key_that_stands_twice_is_told_with_both_lines() -> None:
    document = parse_document("a:\n  x: 1\n  y: 2\n  x: 3\n")
    assert [problem.line(Path("c.yaml")) for problem in document.problems] == [
        "c.yaml:4:3: a.x: stands in line 2 already; remove or rename one of the two"
    ]


def test_aliases_and_merges_are_taken() -> None:
    document = parse_document("a: &one {x: 1, y: 2}\nb: *one\nc: {y: 3, <<: *one}\nd: {<<: [{x: 8}, *one]}\n")
    assert document.data["b"] == {"x": 1, "y": 2}
    assert document.data["c"] == {"x": 1, "y": 3}
    assert document.data["d"] == {"x": 8, "y": 2}
    assert not document.problems


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "c.yaml: empty; edge-resnet config example"),
        ("# nothing\n", "c.yaml: empty; "),
        ("[]", "c.yaml: begins with no key; write sites:"),
        ("sites", "c.yaml: begins with no key; "),
        ("sites:\n\tx: 1", "c.yaml:2:1: a tab; "),
        ("sites: [", "c.yaml:1:9: expected the node content"),
        ("a: 1\n---\nb: 2", "c.yaml:2:1: but found another document"),
        ("a: b: c", "c.yaml:1:5: mapping values are not allowed here; is the indentation right"),
        ("a: 1\nb: '\x01'", "c.yaml:2:5: a character that YAML does not take (U+0001)"),
        ("a: *b", "c.yaml:1:4: found undefined alias 'b'"),
        ("a: !!python/object:os.system x", "c.yaml:1:4: a: could not determine a constructor for the tag"),
        ("a: !!set {b}", "c.yaml:1:4: a: unknown tag tag:yaml.org,2002:set; remove it"),
        ("a: !mine {}", "c.yaml:1:4: a: unknown tag !mine; remove it"),
        ("a: 2024-13-45", "c.yaml:1:4: a: YAML cannot read this value; write it in quotes"),
        ("? [a]\n: b", "c.yaml:1:3: a key that is a list"),
        ("a: {<<: 1}", "c.yaml:1:9: << takes a mapping"),
        (f"a: {'1:' * 5001}1", "c.yaml:1:4: a: a value of 10003 characters"),
    ],
)
def test_what_is_no_configuration_is_told_in_one_line(text: str, told: str) -> None:
    assert misread(text).startswith(told)
    assert "\n" not in misread(text)


def _bomb(level: str, join: str) -> str:
    lines = [f"a0: &a0 {level}"]
    lines += [f"a{n}: &a{n} {join.format(', '.join([f'*a{n - 1}'] * 10))}" for n in range(1, 12)]
    return "\n".join(lines)


@pytest.mark.parametrize("text", [_bomb("[x]", "[{}]"), _bomb("{}", "{{<<: [{}]}}")], ids=["lists", "merges"])
def test_a_few_lines_never_become_millions_of_values(text: str) -> None:
    assert "more values than any configuration has" in misread(text)


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: *a}", "a: &a {<<: *a}", "a: " + "[" * 5000])
def test_what_holds_itself_or_is_nested_without_end_is_refused(text: str) -> None:
    assert "nested" in misread(text)


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    def told(path: Path) -> str:
        with pytest.raises(Misread) as caught:
            read_document(path)
        return caught.value.problem.line(Path("c.yaml"))

    (tmp_path / "latin.yaml").write_bytes("a: 1\nb: Tür".encode("latin-1"))
    (tmp_path / "large.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    assert told(tmp_path / "latin.yaml") == "c.yaml:2:5: not UTF-8; save it as UTF-8"
    assert told(tmp_path / "large.yaml").startswith("c.yaml: over 1 MiB")
    assert told(tmp_path).startswith("c.yaml: a folder")
    assert told(tmp_path / "absent.yaml").startswith("c.yaml: no such file; edge-resnet config example")
    assert told(Path("/dev/null")).startswith("c.yaml: not a plain file")


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfsites: 1\r\n")
    document = read_document(tmp_path / "bom.yaml")
    assert document.data == {"sites": 1}
    assert document.at_key(Finding(("sites",), "")).place == Place(1, 1)


def test_values_are_kept_out_of_repr() -> None:
    assert "s3cr3t" not in repr(parse_document("a: rtsp://u:s3cr3t@h/"))


@given(st.text(alphabet=st.sampled_from("ab:{}[]&*!<>-#'\"\n\t ,?|%@`01.~"), max_size=60))
def test_any_text_is_data_or_one_line(text: str) -> None:
    try:
        problems = parse_document(text).problems
    except Misread as misread:
        problems = [misread.problem]
    assert all("\n" not in problem.line(Path("c.yaml")) for problem in problems)
