"""Which camera and which clip a picture comes from: a groups.csv, the folder below its class, or its file name."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from edge_resnet.errors import UserError

FILE = "groups.csv"
_COLUMNS = ("file", "group")
# What annotation tools add to a name: Roboflow's hash, and the suffix of the file that it converted.
_ADDED = re.compile(r"(\.rf\.[0-9a-f]+|_(jpe?g|png))+$", re.IGNORECASE)
# The number of a frame (or the time of day) at the end, which tells pictures of one clip apart.
_FRAME_NUMBER = re.compile(r"[ ._-]*(frame|img|image|f)?[ ._-]*\d+$", re.IGNORECASE)


def clip_of(stem: str) -> str:
    """The clip that a file's name (without suffix) tells: `hall_nofi071_030` is of `hall_nofi071`; `` when none.

    A name counts as a clip's only if a digit is left after the frame's number is taken off: `IMG_0001` and `fire-12`
    say nothing, `IMG_20261124_101500` is of a day, `cam3-0007` of camera 3.
    """
    rest = _FRAME_NUMBER.sub("", _ADDED.sub("", stem), count=1)
    return rest if any(character.isdigit() for character in rest) else ""


def clips(paths: Sequence[Path], labels: Sequence[int]) -> list[str]:
    """The clip of each picture, or ``: a name that all pictures of a class share is the class's, not a clip's."""
    found = [clip_of(path.stem) for path in paths]
    of_class = defaultdict(set)
    for name, label in zip(found, labels, strict=True):
        of_class[label].add(name)
    return [name if len(of_class[label]) > 1 else "" for name, label in zip(found, labels, strict=True)]


def from_table(path: Path, root: Path, pictures: Sequence[Path]) -> list[str]:
    """The group of each picture below `root` as a groups.csv tells it, `` where it tells none.

    Columns `file` (below `root`; * and ? stand for any part of it) and `group`; the first row that fits counts. Raises
    UserError for a table that is not such, or a row that fits no picture.
    """
    rows = _rows(path)
    exact = dict(reversed(rows))
    patterns = [(name, group) for name, group in rows if any(mark in name for mark in "*?[")]
    groups, used = [], set()
    for picture in pictures:
        name = picture.relative_to(root).as_posix()
        fits = name if name in exact else next((p for p, _ in patterns if fnmatchcase(name, p)), None)
        groups.append("" if fits is None else exact[fits])
        used.add(fits)
    if idle := next((name for name, _ in rows if name not in used), None):
        raise UserError(f"{path}: {idle} fits no picture below {root}; write paths as they are below that folder")
    return groups


def _rows(path: Path) -> list[tuple[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if missing := [name for name in _COLUMNS if name not in (reader.fieldnames or ())]:
                raise UserError(f"{path}: no column {' and '.join(missing)}; the first line must be file,group")
            return [(row["file"].strip(), (row["group"] or "").strip()) for row in reader if row["file"]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a table of file,group ({error})") from error
