"""What is kept in the box is only read back on the machine, for the parts and with the bytes that it was written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edge_resnet import files
from edge_resnet.errors import BackendError
from runtime.backends.tensorrt import shelf as shelf_module
from runtime.backends.tensorrt.options import Options
from runtime.backends.tensorrt.shelf import About, Shelf

NAME = "tensorrt-fp16-current.engine"
PARTS = {"machine": "a", "library": "tensorrt 10", "GPU": "RTX 4090", "driver": "13000"}


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def shelf(tmp_path: Path, lines: list[str]) -> Shelf:
    shelf = Shelf(tmp_path / "box", lines.append)
    shelf.write(NAME, b"plan", PARTS, Options(max_batch=3), About(seconds=1.0))
    return shelf


def file(shelf: Shelf, suffix: str = "") -> Path:
    path = shelf.path(NAME + suffix)
    assert path is not None
    return path


def test_what_was_written_is_read_and_the_file_is_pure(shelf: Shelf, lines: list[str]) -> None:
    assert shelf.read(NAME, PARTS) == b"plan"
    assert file(shelf).read_bytes() == b"plan"
    entry = shelf.entry(NAME)
    assert entry is not None
    assert (entry.parts, entry.options.max_batch, entry.about, entry.size) == (PARTS, 3, About(seconds=1.0), 4)
    assert lines == []


@pytest.mark.parametrize("part", PARTS)
def test_each_part_counts_and_the_one_that_differs_is_told(part: str, shelf: Shelf, lines: list[str]) -> None:
    assert shelf.read(NAME, {**PARTS, part: "another"}) is None
    assert lines == [f"{file(shelf)}: made for {part} {PARTS[part]}, here it is another; made again"]


def test_a_part_that_was_not_known_then_counts(shelf: Shelf, lines: list[str]) -> None:
    assert shelf.read(NAME, {**PARTS, "firmware": "1"}) is None
    assert "made for firmware unknown, here it is 1" in lines[0]


@pytest.mark.parametrize("content", [b"", b"pla", b"plam", b"plan and more"])
def test_another_content_is_told_and_not_read(content: bytes, shelf: Shelf, lines: list[str]) -> None:
    file(shelf).write_bytes(content)
    assert shelf.read(NAME, PARTS) is None
    assert lines == [f"{file(shelf)}: damaged or missing; made again"]


def test_a_missing_file_is_told(shelf: Shelf, lines: list[str]) -> None:
    file(shelf).unlink()
    assert shelf.read(NAME, PARTS) is None
    assert len(lines) == 1


@pytest.mark.parametrize(
    "content", [b"", b"{", b"null", b"[]", b"\xff", b'{"key": 1}', b"[" * 100_000, b" " * (2 << 20)]
)
def test_a_damaged_description_is_told_and_nothing_read(content: bytes, shelf: Shelf, lines: list[str]) -> None:
    file(shelf, ".json").write_bytes(content)
    assert shelf.read(NAME, PARTS) is None
    assert lines == [f"{file(shelf, '.json')}: damaged; what it describes is made again"]


def test_a_description_whose_parts_were_edited_does_not_fit_its_key(shelf: Shelf, lines: list[str]) -> None:
    told = json.loads(file(shelf, ".json").read_text())
    told["parts"]["GPU"] = "another"
    file(shelf, ".json").write_text(json.dumps(told))
    assert shelf.read(NAME, {**PARTS, "GPU": "another"}) is None
    assert "its key does not fit what it tells" in lines[0]


def test_nothing_there_is_nothing_to_tell(tmp_path: Path, lines: list[str]) -> None:
    assert Shelf(tmp_path, lines.append).read(NAME, PARTS) is None
    assert lines == []


def test_without_a_box_nothing_is_kept(lines: list[str]) -> None:
    shelf = Shelf(None, lines.append)
    entry = shelf.write(NAME, b"plan", PARTS, Options(), About())
    assert entry.size == 4
    assert shelf.read(NAME, PARTS) is None
    assert shelf.path(NAME) is None


def test_a_box_of_another_machine_is_not_trusted(
    tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "id").write_text("0123456789abcdef\n")
    monkeypatch.setattr(shelf_module, "_MACHINE_IDS", (tmp_path / "absent", tmp_path / "id"))
    first = shelf_module.machine()
    Shelf(tmp_path / "box", lines.append).write(NAME, b"plan", {"machine": first}, Options(), About())
    shutil.copytree(tmp_path / "box", tmp_path / "copied")
    (tmp_path / "id").write_text("fedcba9876543210\n")
    second = shelf_module.machine()
    assert second != first
    assert "0123456789abcdef" not in first  # the id itself is confidential, says machine-id(5)
    copied = Shelf(tmp_path / "copied", lines.append)
    assert copied.read(NAME, {"machine": first}) == b"plan"
    assert copied.read(NAME, {"machine": second}) is None
    assert f"made for machine {first}, here it is {second}" in lines[-1]


def test_a_machine_without_an_id_still_has_a_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    monkeypatch.setattr(shelf_module, "_MACHINE_IDS", (tmp_path / "empty",))
    assert shelf_module.machine() == shelf_module.machine() != ""


def test_a_full_disk_is_one_line_and_leaves_no_half(
    tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_bytes", full)
    shelf = Shelf(tmp_path / "box", lines.append)
    with pytest.raises(BackendError, match=r"current\.engine: cannot be kept \(No space left on device\); make room"):
        shelf.write(NAME, b"plan", PARTS, Options(), About())
    assert shelf.entry(NAME) is None
