"""Files go to quarantine and come back, whatever happens in between."""

import errno
import json
import os
from pathlib import Path

import pytest

from edge_resnet.audit import quarantine
from edge_resnet.audit.quarantine import LOG, put_away, put_back
from edge_resnet.errors import UserError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("fire/a.png", "fire/deep/b.png", "normal/c.png"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "data"


@pytest.fixture
def away(tmp_path: Path) -> Path:
    return tmp_path / "data-quarantine"


def tree(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}


def wanted(data: Path) -> dict[Path, str]:
    return {data / "fire" / "deep" / "b.png": "dark", data / "normal" / "c.png": "label"}


@pytest.fixture
def other_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Renaming from the data folder to quarantine or back fails, as it does between file systems."""
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if ("data-quarantine" in self.parts) != ("data-quarantine" in target.parts):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)


def test_files_keep_their_places_and_come_back(data: Path, away: Path) -> None:
    before = tree(data)
    moved = put_away(wanted(data), data, away)
    assert moved == list(wanted(data))
    assert tree(data) == {"fire/a.png": "fire/a.png"}
    log = (away / LOG).read_text().splitlines()
    assert json.loads(log[0]) == {"from": "fire/deep/b.png", "to": "fire/deep/b.png", "check": "dark"}
    assert (away / "normal" / "c.png").read_text() == "normal/c.png"
    assert sorted(put_back(data, away)) == sorted(moved)
    assert tree(data) == before
    assert not away.exists()
    with pytest.raises(UserError, match="nothing to undo"):
        put_back(data, away)


@pytest.mark.usefixtures("other_disk")
def test_another_disk_gets_copies_and_comes_back(data: Path, away: Path) -> None:
    before = tree(data)
    (data / "fire" / "link.png").symlink_to("a.png")
    os.utime(data / "normal" / "c.png", (1e9, 1e9))
    put_away({**wanted(data), data / "fire" / "link.png": "dark"}, data, away)
    assert not (data / "fire" / "link.png").is_symlink()
    assert (away / "normal" / "c.png").stat().st_mtime == 1e9
    put_back(data, away)
    assert (data / "fire" / "link.png").readlink() == Path("a.png")
    (data / "fire" / "link.png").unlink()
    assert tree(data) == before


@pytest.mark.parametrize("moment", ["before the move", "between copy and removal", "in the log", "in the log, then on"])
def test_a_kill_at_any_moment_can_be_undone(
    data: Path, away: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(data)
    move = quarantine.move

    def killed(source: Path, target: Path) -> None:
        if source.name == "b.png":
            move(source, target)
            return
        if moment == "between copy and removal":
            target.parent.mkdir(parents=True)
            target.write_bytes(source.read_bytes())
        if moment.startswith("in the log"):
            content = (away / LOG).read_bytes()
            (away / LOG).write_bytes(content[:-9])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(quarantine, "move", killed)
        with pytest.raises(KeyboardInterrupt):
            put_away(wanted(data), data, away)
    if moment == "in the log, then on":
        # Going on after a torn line must not spoil the next one.
        put_away({data / "normal" / "c.png": "label"}, data, away)
    put_back(data, away)
    assert tree(data) == before


def test_the_log_is_on_disk_before_the_file_moves(data: Path, away: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(quarantine, "move", lambda source, target: seen.append((away / LOG).read_text().splitlines()))
    put_away(wanted(data), data, away)
    assert [len(lines) for lines in seen] == [1, 2]


def test_two_files_of_one_place_are_both_kept_and_a_person_chooses(data: Path, away: Path) -> None:
    place = data / "normal" / "c.png"
    put_away({place: "label"}, data, away)
    place.write_text("new")
    put_away({place: "dark"}, data, away)
    kept = tree(away)
    assert (kept["normal/c.png"], kept["normal/c-2.png"]) == ("normal/c.png", "new")
    with pytest.raises(UserError, match="were both there; move one away"):
        put_back(data, away)
    assert tree(away) == kept
    (away / "normal" / "c.png").rename(away / "elsewhere.png")
    put_back(data, away)
    assert place.read_text() == "new"


def test_a_move_that_was_begun_twice_is_undone_once(data: Path, away: Path) -> None:
    """As after a kill between copy and removal, and another --fix."""
    before = tree(data)
    put_away({data / "normal" / "c.png": "label"}, data, away)
    (data / "normal" / "c.png").write_text("normal/c.png")
    put_away({data / "normal" / "c.png": "label"}, data, away)
    put_back(data, away)
    assert tree(data) == before
    assert not away.exists()


def test_undo_overwrites_nothing_and_moves_nothing_then(data: Path, away: Path) -> None:
    put_away(wanted(data), data, away)
    (data / "fire" / "deep" / "b.png").write_text("mine")
    kept = tree(away)
    with pytest.raises(UserError, match=r"b\.png: another file is there now"):
        put_back(data, away)
    assert tree(away) == kept
    assert (data / "fire" / "deep" / "b.png").read_text() == "mine"


def test_names_that_are_no_text_come_back(data: Path, away: Path) -> None:
    odd = data / "fire" / b"caf\xe9.png".decode(errors="surrogateescape")
    odd.write_text("odd")
    put_away({odd: "dark"}, data, away)
    assert not odd.exists()
    put_back(data, away)
    assert odd.read_text() == "odd"


def test_files_behind_a_link_are_left_alone(data: Path, away: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "d.png").write_text("d")
    (data / "linked").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="lies outside of"):
        put_away({**wanted(data), data / "linked" / "d.png": "dark"}, data, away)
    assert not away.exists()
    assert (tmp_path / "elsewhere" / "d.png").exists()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"from": "../x", "to": "c.png", "check": ""}', "leads out of"),
        ('{"from": "normal/c.png", "to": "/etc/hostname", "check": ""}', "leads out of"),
        ('{"from": "normal/x.png", "to": "normal/..", "check": ""}', "leads out of"),
        ('{"from": "normal/x.png"}', "is not what --fix wrote"),
        ("[]", "is not what --fix wrote"),
    ],
)
def test_a_log_that_leads_elsewhere_is_refused(data: Path, away: Path, line: str, told: str) -> None:
    (away / "normal").mkdir(parents=True)
    (away / LOG).write_text(line + "\n")
    with pytest.raises(UserError, match=told):
        put_back(data, away)


def test_undo_wants_the_data_folder_that_was_fixed(data: Path, away: Path, tmp_path: Path) -> None:
    put_away(wanted(data), data, away)
    (tmp_path / "other").mkdir()
    with pytest.raises(UserError, match="no such folder; name the data folder that --fix was run on"):
        put_back(tmp_path / "other", away)


def test_a_folder_that_cannot_be_written_is_told_before_anything_moves(
    data: Path, away: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "normal")
    with pytest.raises(UserError, match="normal: read-only, so nothing was moved"):
        put_away(wanted(data), data, away)
    assert not away.exists()
    assert len(tree(data)) == 3


def test_quarantine_may_not_lie_in_the_data(data: Path) -> None:
    with pytest.raises(UserError, match="inside the data"):
        put_away(wanted(data), data, data / "quarantine")
