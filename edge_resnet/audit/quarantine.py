"""Files moved out of a data folder, never deleted, with a log that puts every one of them back.

The log is a line of JSON a file, on disk before the file moves. So whenever the program is killed, a file is at one of
the two places that its line names, or (between the two steps of a move to another disk) whole at both.
"""

from __future__ import annotations

import errno
import filecmp
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_resnet import files
from edge_resnet.errors import UserError

LOG = "moved.jsonl"


@dataclass(frozen=True)
class Move:
    """A line of the log: the file's place below the data folder, its place below the quarantine, and who asked."""

    source: str
    target: str
    check: str

    def to_line(self) -> bytes:
        """JSON and a line break; bytes of a file name that are no UTF-8 are kept as escapes."""
        return (json.dumps({"from": self.source, "to": self.target, "check": self.check}) + "\n").encode("ascii")


def default_folder(data: Path) -> Path:
    """Beside the data folder: NAME-quarantine."""
    resolved = data.resolve()
    return resolved.with_name(f"{resolved.name}-quarantine")


def put_away(wanted: Mapping[Path, str], data: Path, quarantine: Path) -> list[Path]:
    """Move files below `data` (each with the check that names it) into `quarantine`; those that were moved.

    Raises UserError, before anything is moved, when a file is really outside of `data` (behind a link to a folder), or
    cannot be moved; an OSError in between leaves a log that `put_back` understands.
    """
    _outside(quarantine, data)
    for path in wanted:
        if not path.parent.resolve().is_relative_to(data.resolve()):
            raise UserError(f"{path}: lies outside of {data} (a link leads there); mend it at its own place")
        if not os.access(path.parent, os.W_OK):
            raise UserError(f"{path.parent}: read-only, so nothing was moved; name a copy that can be written")
    quarantine.mkdir(parents=True, exist_ok=True)
    log = quarantine / LOG
    _drop_torn_line(log)
    moved = []
    for path, check in wanted.items():
        target = _free(quarantine / path.relative_to(data))
        _append(log, Move(str(path.relative_to(data)), str(target.relative_to(quarantine)), check))
        move(path, target)
        moved.append(path)
    return moved


def put_back(data: Path, quarantine: Path) -> list[Path]:
    """Move everything that the log in `quarantine` names back to its place below `data`; the files that went back.

    Raises UserError, before anything is moved, where there is no log, a line of it leads elsewhere, or another file has
    taken a place or was put away from there too. When all is back the log is removed.
    """
    if not (quarantine / LOG).is_file():
        raise UserError(f"{quarantine}: no {LOG} here, so nothing to undo; name the folder with --quarantine")
    pairs = list(dict.fromkeys((data / move.source, quarantine / move.target) for move in _read(quarantine / LOG)))
    _refuse_conflicts(pairs, data, quarantine)
    back = [_restore(place, stored) for place, stored in pairs]
    (quarantine / LOG).unlink()
    for _place, stored in pairs:
        _remove_empty(stored.parent, quarantine)
    return [path for path in back if path is not None]


def move(source: Path, target: Path) -> None:
    """Move a file (or a link itself), to another disk too: there it is whole before it goes here."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        if source.is_symlink():
            target.symlink_to(source.readlink())
        else:
            with files.whole_file(target) as temporary:
                shutil.copyfile(source, temporary)
            shutil.copystat(source, target)
        source.unlink()


def _refuse_conflicts(pairs: Sequence[tuple[Path, Path]], data: Path, quarantine: Path) -> None:
    """Raise UserError where a pair (place in the data, place in quarantine) cannot be put back without a loss."""
    taken: dict[Path, Path] = {}
    for place, stored in pairs:
        _inside(place, data, quarantine / LOG)
        _inside(stored, quarantine, quarantine / LOG)
        if not place.parent.is_dir():
            raise UserError(f"{place.parent}: no such folder; name the data folder that --fix was run on")
        if not os.path.lexists(stored):
            continue
        if os.path.lexists(place) and not _same(stored, place):
            raise UserError(f"{place}: another file is there now; move it away, then undo again (nothing was moved)")
        if not _same(stored, taken.setdefault(place, stored)):
            raise UserError(f"{place}: {stored} and {taken[place]} were both there; move one away, then undo again")


def _restore(place: Path, stored: Path) -> Path | None:
    """Put one file back; None where it never left, or is back already."""
    if not os.path.lexists(stored):
        return None
    if os.path.lexists(place):
        # Killed between the copy to another disk and the removal here: equal files, checked before.
        stored.unlink()
        return None
    move(stored, place)
    return place


def _read(log: Path) -> list[Move]:
    """The lines of the log; one that was cut off by a kill stands for a move that never began."""
    moves = []
    for line in log.read_bytes().splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        try:
            content = json.loads(line)
            moves.append(Move(content["from"], content["to"], content["check"]))
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{log}: line {len(moves) + 1} is not what --fix wrote; mend or remove it") from error
    return moves


def _append(log: Path, move: Move) -> None:
    with log.open("ab") as file:
        file.write(move.to_line())
        file.flush()
        os.fsync(file.fileno())


def _drop_torn_line(log: Path) -> None:
    if log.is_file():
        content = log.read_bytes()
        os.truncate(log, content.rfind(b"\n") + 1)


def _free(path: Path) -> Path:
    """`path`, or where a file of that name was put away before, NAME-2 and so on."""
    number, free = 1, path
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def _inside(path: Path, folder: Path, log: Path) -> None:
    """Raise UserError for a place that is not truly below `folder`, whatever the log says."""
    if ".." in path.parts or path == folder or not path.parent.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"{log}: {path} leads out of {folder}; this is not a log that --fix wrote")


def _outside(quarantine: Path, data: Path) -> None:
    if quarantine.resolve().is_relative_to(data.resolve()):
        raise UserError(f"--quarantine {quarantine}: inside the data, where it would be a class; name a folder outside")
    if quarantine.exists() and not quarantine.is_dir():
        raise UserError(f"--quarantine {quarantine}: is a file; name a folder")


def _same(one: Path, other: Path) -> bool:
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and one.readlink() == other.readlink()
    return other.is_file() and filecmp.cmp(one, other, shallow=False)


def _remove_empty(folder: Path, last: Path) -> None:
    """Remove `folder` and those above it, up to `last`, as far as they are there and empty."""
    while folder.is_relative_to(last) and not (folder.is_dir() and any(folder.iterdir())):
        if folder.is_dir():
            folder.rmdir()
        folder = folder.parent
