"""Changes of cameras.yaml: what was asked for is there, and nothing else is any different."""

from __future__ import annotations

import difflib
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edge_resnet.errors import UserError
from runtime.config import edit, splice
from runtime.config.document import parse_document
from runtime.config.edit import remove_value, set_values
from runtime.config.example import EXAMPLE
from runtime.config.load import load

GATE = ("sites", "yard", "cameras", "gate")
CORNERS = [[0.1, 0.2], [0.5, 0.2], [0.5, 0.9]]
COMMENTED = """\
# what we watch
sites:
    yard:   # behind the house
        cameras:
            gate:
                detect: rtsp://watch:${GATE_PASSWORD}@192.0.2.10/s   # the small one
                rate:   5/s  # looks

            # the hall was repaired in May
            hall: {detect: 1, rate: 4/s}   # short

alarms:
    fire:
        threshold: 0.60   # chosen in May
        schedule: nights
# last words
schedules: {nights: {periods: [{start: "22:00"}]}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cameras.yaml"


def changed_lines(before: str, after: str) -> list[str]:
    """The lines that are only in one of two texts, with - and +."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in lines if line[0] in "+-" and line[:3] not in ("+++", "---")]


def edited(file: Path, text: str, changes: dict[tuple[str | int, ...], Any]) -> list[str]:
    file.write_bytes(text.encode())
    set_values(file, changes)
    return changed_lines(text, file.read_bytes().decode())


def test_a_value_is_replaced_and_its_comment_stays(file: Path) -> None:
    assert edited(file, COMMENTED, {("alarms", "fire", "threshold"): 0.7, (*GATE, "rate"): "2/s"}) == [
        "-                rate:   5/s  # looks",
        "+                rate:   2/s  # looks",
        "-        threshold: 0.60   # chosen in May",
        "+        threshold: 0.7   # chosen in May",
    ]


def test_a_new_key_comes_after_its_mapping_and_before_comments_on_the_next(file: Path) -> None:
    zone = (*GATE, "zones", "ramp")
    assert edited(file, COMMENTED, {(*zone, "polygon"): CORNERS, (*zone, "alarms"): ["fire"]}) == [
        "+                zones:",
        "+                    ramp:",
        "+                        polygon: [[0.1, 0.2], [0.5, 0.2], [0.5, 0.9]]",
        "+                        alarms: [fire]",
    ]
    text = file.read_text()
    assert text.index("zones:") < text.index("# the hall was repaired") < text.index("hall:")


def test_what_is_written_on_one_line_stays_on_one_line(file: Path) -> None:
    hall = ("sites", "yard", "cameras", "hall")
    assert edited(file, COMMENTED, {(*hall, "gate", "enabled"): True, (*hall, "rate"): "3/s"}) == [
        "-            hall: {detect: 1, rate: 4/s}   # short",
        "+            hall: {detect: 1, rate: 3/s, gate: {enabled: true}}   # short",
    ]


def test_a_mapping_of_values_goes_into_what_is_there(file: Path) -> None:
    assert edited(file, COMMENTED, {("alarms",): {"fire": {"threshold": 0.7}, "smoke": {"window": "4 s"}}}) == [
        "-        threshold: 0.60   # chosen in May",
        "+        threshold: 0.7   # chosen in May",
        "+    smoke:",
        "+        window: 4 s",
    ]


def test_the_example_takes_changes_at_any_place(file: Path) -> None:
    before = EXAMPLE.replace("# alarms:", "alarms:", 1) if "\nalarms:" not in EXAMPLE else EXAMPLE
    zone = ("sites", "depot", "cameras", "ramp", "zones", "door")
    lines = edited(file, before.split("\nalarms:")[0] + "\n", {
        (*zone, "polygon"): CORNERS,
        (*zone, "alarms"): ["fire"],
        (*GATE, "rate"): "2/s",
        ("alarms", "fire", "window"): "4 s",
    })  # fmt: skip
    assert [line for line in lines if line.startswith("-")] == [line for line in lines if "rate: 5/s" in line]
    settings = load(file)
    assert settings.cameras()["depot/ramp"].zones["door"].alarms == ("fire",)
    assert settings.alarms["fire"].window == 4.0


def test_texts_that_yaml_would_take_for_something_else_are_quoted(file: Path) -> None:
    assert edited(file, COMMENTED, {("schedules", "nights", "periods", 0, "start"): "23:00"}) == [
        '-schedules: {nights: {periods: [{start: "22:00"}]}}',
        "+schedules: {nights: {periods: [{start: '23:00'}]}}",
    ]
    zone = (*GATE, "zones", "on")
    edited(file, COMMENTED, {(*zone, "polygon"): CORNERS, (*zone, "alarms"): ["no"]})
    assert load(file, environment={"GATE_PASSWORD": "p"}).cameras()["yard/gate"].zones["on"].alarms == ("no",)


def test_variables_stay_and_need_not_be_set_here(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATE_PASSWORD", raising=False)
    edited(file, COMMENTED, {("alarms", "fire", "threshold"): 0.7})
    assert "${GATE_PASSWORD}" in file.read_text()


def test_a_folder_that_comes_from_the_environment_is_sought_where_it_is_set(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIPS", str(file.parent))
    (file.parent / "gate.mp4").touch()
    edited(file, "sites: {yard: {cameras: {gate: {detect: '${CLIPS}/gate.mp4'}}}}\n", {(*GATE, "rate"): "2/s"})
    assert "${CLIPS}" in file.read_text()


ONE_LINE = "sites: {yard: {cameras: {gate: {detect: 0}}}}"


@pytest.mark.parametrize("text", [ONE_LINE, "sites:\n  yard:\n    cameras:\n      gate: {detect: 0}"])
def test_a_file_without_a_last_line_break(file: Path, text: str) -> None:
    edited(file, text, {("alarms", "fire", "threshold"): 0.7})
    assert load(file).alarms["fire"].threshold == 0.7


def test_windows_line_ends_and_a_byte_order_mark_stay(file: Path) -> None:
    text = "\ufeff" + COMMENTED.replace("\n", "\r\n")
    edited(file, text, {(*GATE, "zones", "ramp", "polygon"): CORNERS, (*GATE, "zones", "ramp", "alarms"): ["fire"]})
    written = file.read_bytes().decode()
    assert written.count("\n") == written.count("\r\n") == text.count("\n") + 4
    assert written.startswith("\ufeff")


def test_keys_that_have_nothing_yet_are_filled(file: Path) -> None:
    fire = {("alarms", "fire", "threshold"): 0.7}
    assert edited(file, f"alarms:   # none yet\n{ONE_LINE}\n", fire) == ["+  fire:", "+    threshold: 0.7"]
    assert (
        edited(file, f"alarms: null  # none yet\n{ONE_LINE}\n", fire)[1]
        == "+alarms: {fire: {threshold: 0.7}}  # none yet"
    )
    assert (
        edited(file, "{alarms: , " + ONE_LINE + "}", fire)[1]
        == "+{alarms: {fire: {threshold: 0.7}} , " + ONE_LINE + "}"
    )


def test_a_list_of_lines_under_its_key_goes_to_the_keys_line(file: Path) -> None:
    text = f"{ONE_LINE}\nalarms:\n  fire:\n    modes:  # by day\n    - home\n    - away\n  # other\n"
    text += "modes: {home: {}, away: {schedule: n}}\n"
    text += 'schedules: {n: {periods: [{start: "22:00"}]}}\n'
    assert edited(file, text, {("alarms", "fire", "modes"): ["away"]}) == [
        "-    modes:  # by day",
        "-    - home",
        "-    - away",
        "+    modes: [away]  # by day",
    ]


def test_permissions_stay_and_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere" / "real.yaml"
    real.parent.mkdir()
    real.write_text(COMMENTED)
    real.chmod(0o640)
    file.symlink_to(real)
    set_values(file, {("alarms", "fire", "threshold"): 0.7})
    assert file.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert "threshold: 0.7" in real.read_text()
    assert [each.name for each in real.parent.iterdir()] == ["real.yaml"]


SHARED = """\
sites:
  yard:
    cameras:
      gate: {detect: 0, gate: &quiet {enabled: true}}
      hall: {detect: 1, gate: *quiet}
      desk:
        detect: 2
        gate: {<<: *quiet, threshold: 20}
"""


@pytest.mark.parametrize("camera", ["gate", "hall"])
def test_what_an_alias_shares_is_not_changed_for_others(file: Path, camera: str) -> None:
    file.write_text(SHARED)
    path = ("sites", "yard", "cameras", camera, "gate", "threshold")
    with pytest.raises(UserError, match=f"sites.yard.cameras.{camera}.gate.threshold cannot be changed .*by hand"):
        set_values(file, {path: 40.0})
    assert file.read_text() == SHARED


def test_an_alias_is_replaced_and_what_is_merged_is_overruled(file: Path) -> None:
    assert edited(file, SHARED, {("sites", "yard", "cameras", "desk", "gate", "enabled"): False}) == [
        "-        gate: {<<: *quiet, threshold: 20}",
        "+        gate: {<<: *quiet, threshold: 20, enabled: false}",
    ]
    shared = f"alarms: {{fire: {{threshold: &t 0.6}}, smoke: {{threshold: *t}}}}\n{ONE_LINE}\n"
    assert "smoke: {threshold: 0.7}" in edited(file, shared, {("alarms", "smoke", "threshold"): 0.7})[1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({("alarms", "fire", "threshold"): 2.0}, "alarms.fire.threshold: 2.0 must be at most 1"),
        ({("alarms", "fire", "window"): 2}, "2 has no unit"),
        ({("alarms", "fire", "treshold"): 0.5}, "unknown key; did you mean threshold"),
        ({(*GATE, "zones", "a b", "polygon"): CORNERS, (*GATE, "zones", "a b", "alarms"): ["fire"]}, "is no name"),
        ({(*GATE, "detect"): "nowhere.mp4"}, "no such file"),
        ({(*GATE, "detect", "url"): "x"}, "by hand"),
    ],
)
def test_what_would_be_no_configuration_is_refused(file: Path, changes: dict[Any, Any], words: str) -> None:
    file.write_text(COMMENTED)
    with pytest.raises(UserError, match=words) as told:
        set_values(file, changes)
    assert file.read_text() == COMMENTED
    assert str(told.value).startswith(f"{file}:")
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_is_no_yaml_is_told(file: Path) -> None:
    file.write_text("sites: [")
    with pytest.raises(UserError, match=r"cameras\.yaml:1:9"):
        set_values(file, {("alarms", "fire", "threshold"): 0.5})


ZONED = """\
sites:
  yard:
    cameras:
      gate:
        detect: 0
        zones:
          # where cars burn
          ramp:
            polygon: [[0, 0], [1, 0], [1, 1]]
            alarms:
              - fire
          door: {polygon: [[0, 0], [1, 0], [1, 1]], alarms: [fire]}  # not used

      # the hall
      hall: {detect: 1, zones: {a: {polygon: [[0, 0], [1, 0], [1, 1]], alarms: [fire]}}}
"""


def test_an_entry_is_removed_and_nothing_else(file: Path) -> None:
    file.write_text(ZONED)
    assert remove_value(file, (*GATE, "zones", "ramp")) == ["# where cars burn"]
    assert changed_lines(ZONED, file.read_text()) == [
        "-          # where cars burn",
        "-          ramp:",
        "-            polygon: [[0, 0], [1, 0], [1, 1]]",
        "-            alarms:",
        "-              - fire",
    ]
    assert remove_value(file, (*GATE, "zones", "door")) == ["# not used"]
    assert "zones" not in file.read_text().split("hall")[0]
    assert remove_value(file, ("sites", "yard", "cameras", "hall", "zones", "a")) == []
    assert "      # the hall\n      hall: {detect: 1}" in file.read_text()
    assert not any(camera.zones for camera in load(file).cameras().values())


def test_what_is_not_there_cannot_be_removed(file: Path) -> None:
    file.write_text(ZONED)
    with pytest.raises(UserError, match=r"no sites.yard.cameras.gate.zones.roof there; nothing was removed"):
        remove_value(file, (*GATE, "zones", "roof"))


LISTED = """\
sites:
  yard:
    cameras:
      gate:
        detect: 0   # "no # comment"
        zones:
          ramp:
            polygon:
              - [0.1, 0.1]   # by the lamp
              # the next one is the hydrant
              - [0.9, 0.1]
              - [0.9, 0.9]
            alarms: # as in May
              - fire
              # smoke would be too much
"""


def test_what_is_so_already_keeps_its_comments_and_those_that_fall_are_told(file: Path) -> None:
    file.write_text(LISTED)
    ramp = (*GATE, "zones", "ramp")
    assert set_values(file, {(*ramp, "polygon"): [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]}) == []
    assert file.read_text() == LISTED
    fallen = set_values(file, {(*ramp, "polygon"): CORNERS, (*ramp, "alarms"): ["fire"]})
    assert fallen == ["# by the lamp", "# the next one is the hydrant"]
    assert "alarms: # as in May\n              - fire\n              # smoke" in file.read_text()


def test_only_what_stands_right_above_an_entry_goes_with_it(file: Path) -> None:
    text = "# all of it\n\n# of fire\n# and of smoke\nalarms: {fire: {threshold: 0.5}}\n# the yard\n" + ONE_LINE + "\n"
    file.write_text(text)
    assert remove_value(file, ("alarms",)) == ["# of fire", "# and of smoke"]
    assert file.read_text() == f"# all of it\n\n# the yard\n{ONE_LINE}\n"


def test_who_changes_at_the_same_time_waits_and_nothing_is_lost(file: Path) -> None:
    file.write_text(COMMENTED)

    def add(name: str) -> None:
        for number in range(5):
            zone = (*GATE, "zones", f"{name}{number}")
            set_values(file, {(*zone, "polygon"): CORNERS, (*zone, "alarms"): ["fire"]})

    with ThreadPoolExecutor() as pool:
        list(pool.map(add, "abc"))
    zones = load(file, environment={"GATE_PASSWORD": "p"}).cameras()["yard/gate"].zones
    assert sorted(zones) == [f"{name}{number}" for name in "abc" for number in range(5)]


def test_what_an_editor_saves_meanwhile_is_not_overwritten(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(COMMENTED)
    honest = edit.read

    def read(*given: Any, **named: Any) -> Any:
        file.write_text(ONE_LINE)
        return honest(*given, **named)

    monkeypatch.setattr(edit, "read", read)
    with pytest.raises(UserError, match="somebody else has just changed it; try again"):
        set_values(file, {("alarms", "fire", "threshold"): 0.7})
    assert file.read_text() == ONE_LINE


KEYS = st.sampled_from(["a", "b", "on", "1", "long key"])
# PyYAML loses line separators of other scripts; what is lost is refused, as any other difference.
TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=8)
VALUES = st.one_of(st.floats(0, 1), st.integers(-9, 9), st.booleans(), TEXTS, st.lists(st.floats(0, 1)))
LEAVES = st.one_of(VALUES, st.none())
TREES = st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, min_size=1), max_leaves=12)
PATHS = st.lists(KEYS, min_size=1, max_size=4)


@given(st.dictionaries(KEYS, TREES, min_size=1), PATHS, VALUES, st.sampled_from([None, False, True]))
def test_a_value_put_into_any_text_is_read_back_and_the_rest_too(
    data: dict[str, Any], path: list[str], value: Any, flow: bool | None
) -> None:
    text = yaml.safe_dump(data, default_flow_style=flow)
    data = parse_document(text).data
    inner: Any = data
    for key in path[:-1]:
        if inner.get(key) is None:
            inner[key] = {}
        inner = inner[key]
        if not isinstance(inner, dict):
            with pytest.raises(splice.NoPlace):
                splice.put(text, tuple(path), value)
            return
    inner[path[-1]] = value
    assert parse_document(splice.put(text, tuple(path), value)).data == data
