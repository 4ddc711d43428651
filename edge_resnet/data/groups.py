"""Which camera and which clip a picture comes from: a groups.csv, the folder below its class, or its file name."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from edge_resnet.errors import UserError
from edge_resnet.pictures import find_pictures

FILE = "groups.csv"
_COLUMNS = ("file", "group")
# What others add to a name. Roboflow: the suffix of the file that it converted, and a hash for each augmented copy;
# Label Studio: eight hexadecimal digits in front; file managers and phones: the number or the word of a copy.
_HASH_BEHIND = re.compile(r"\.rf\.\w+$")
_SUFFIX_BEHIND = re.compile(r"_(jpe?g|png|bmp|webp)$", re.IGNORECASE)
_HASH_IN_FRONT = re.compile(r"^(?=\d*[a-f])[0-9a-f]{8}-")
_COPY = re.compile(r"( ?\(\d+\)|~\d+|[ _-]+(copy|edited|portrait|hdr|cover)( ?\d+)?)+$", re.IGNORECASE)
# A day with the time of day behind it: 20261124_101500123, 2026-11-24 at 10.15.00, 2026-11-24T10:15.
_DAY = r"(?<!\d)(?:19|20)\d\d[-_.]?(?:0[1-9]|1[0-2])[-_.]?(?:0[1-9]|[12]\d|3[01])"
_TIME = r"(?:[01]\d|2[0-3])[-_.:h]?[0-5]\d(?:[-_.:m]?[0-5]\d(?:[.s_-]?\d{1,6})?)?(?!\d)"
_MOMENT = re.compile(rf"(?P<day>{_DAY})(?:[ T_.-]*|[ _]at[ _]){_TIME}(?: ?[AP]M|Z|s|\.MP)?(?![A-Za-z])")
_DAY_AT_END = re.compile(rf"{_DAY}$")
# A time of day or of a clip at the end (10-15-00, 12h34m56s789), or seconds since 1970.
_CLOCK = re.compile(r"[ ._-]*(?<!\d)(\d\d[-:.h]\d\d[-:.m]\d\ds?([.-]?\d+)?|1\d{9}(\d{3})?(\.\d+)?)$")
_CROP = re.compile(r"[ ._-]+(crop|box|obj|det)[ ._-]*\d+$", re.IGNORECASE)
# The number of a frame at the end, which tells pictures of one clip apart.
_FRAME_NUMBER = re.compile(r"[ ._-]*(frame|img|image|f)?[ ._-]*\d+$", re.IGNORECASE)
_NUMBERS_BEHIND = re.compile(r"([ ._-]+(frame|img|image|f|burst)?[ ._-]*\d+)+$", re.IGNORECASE)
_VIDEO = re.compile(r"[._](mp4|mov|avi|mkv|webm|m4v|mpe?g|wmv|ts)$", re.IGNORECASE)


def clip_of(stem: str) -> str:
    """The clip that a file's name (without suffix) tells: `hall_nofi071_030` is of `hall_nofi071`; `` when none.

    A name counts as a clip's only if a digit (or a video's suffix) is left after the frame's number is taken off:
    `IMG_0001` and `fire-12` say nothing, `cam3-0007` is of camera 3, `IMG_20261124_101500` of a day. Copies that
    Roboflow made of one picture to augment it (`fire-12_jpg.rf.1a2b`) belong together as a clip's frames do.
    """
    original = _HASH_BEHIND.sub("", stem)
    name = _CROP.sub("", _COPY.sub("", _HASH_IN_FRONT.sub("", _SUFFIX_BEHIND.sub("", original))))
    rest = _without_frame(name)
    if any(character.isdigit() for character in rest) or _VIDEO.search(rest):
        return rest
    return name if original != stem else ""


def _without_frame(name: str) -> str:
    """The name without what tells one frame of a clip from another; the day stays, the time of day goes."""
    if moment := _MOMENT.search(name):
        return name[: moment.end("day")] + _NUMBERS_BEHIND.sub("", name[moment.end() :])
    if _DAY_AT_END.search(name):
        return name
    without_clock = _CLOCK.sub("", name)
    return without_clock if without_clock != name else _FRAME_NUMBER.sub("", name)


def clips(paths: Sequence[Path], labels: Sequence[int]) -> list[str]:
    """The clip of each picture, or ``: a name that all pictures of a class share is the class's, not a clip's."""
    found = [clip_of(path.stem) for path in paths]
    of_class = defaultdict(set)
    for name, label in zip(found, labels, strict=True):
        of_class[label].add(name)
    return [name if len(of_class[label]) > 1 else "" for name, label in zip(found, labels, strict=True)]


def from_table(path: Path, root: Path, pictures: Sequence[Path]) -> list[str]:
    """The group of each of some pictures below `root` as a groups.csv tells it, `` where it tells none.

    Columns `file` (below `root`; * and ? stand for any part of it) and `group`; the first row that fits counts. Raises
    UserError for a table that is not such, or whose rows fit no picture below `root`.
    """
    rows = _rows(path)
    exact = {name: place for place, (name, _) in reversed(list(enumerate(rows)))}
    patterns = [(place, name) for place, (name, _) in enumerate(rows) if _is_pattern(name)]
    groups, used = [], set()
    for picture in pictures:
        name = picture.relative_to(root).as_posix()
        by_name = exact.get(name, len(rows))
        place = next((place for place, p in patterns if place < by_name and fnmatchcase(name, p)), by_name)
        groups.append(rows[place][1] if place < len(rows) else "")
        used.add(place)
    _refuse_idle(path, root, [name for place, (name, _) in enumerate(rows) if place not in used], len(rows))
    return groups


def _refuse_idle(path: Path, root: Path, names: Sequence[str], rows: int) -> None:
    """Raise UserError for a pattern that fits no picture, or where no row fits; idle ones may come too late.

    A single file that is not there is no mistake: it may lie in quarantine.
    """
    if not names:
        return
    there = {picture.relative_to(root).as_posix() for picture in find_pictures(root)}
    wrong = [
        name
        for name in names
        if name not in there and not (_is_pattern(name) and any(fnmatchcase(one, name) for one in there))
    ]
    if idle := next((name for name in wrong if _is_pattern(name) or len(wrong) == rows), None):
        raise UserError(f"{path}: {idle} fits no picture below {root}; write paths as they are below that folder")


def _is_pattern(name: str) -> bool:
    return any(mark in name for mark in "*?[")


def _rows(path: Path) -> list[tuple[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if missing := [name for name in _COLUMNS if name not in (reader.fieldnames or ())]:
                raise UserError(f"{path}: no column {' and '.join(missing)}; the first line must be file,group")
            return [(row["file"].strip(), (row["group"] or "").strip()) for row in reader if row["file"]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a table of file,group ({error})") from error
