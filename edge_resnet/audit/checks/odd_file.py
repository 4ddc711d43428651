"""Files in the data folder that training does not see, though somebody may think that it does."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from edge_resnet.audit.check import Check, Finding, Severity
from edge_resnet.data import groups
from edge_resnet.data.survey import Survey
from edge_resnet.pictures import SUFFIXES

_VIDEOS = frozenset({".avi", ".h264", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".wmv"})
_OTHER_PICTURES = frozenset(
    {".avif", ".cr2", ".dng", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jxl", ".nef", ".ppm", ".psd", ".raw", ".svg"}
)
# What Windows, macOS and Synology leave behind.
_SYSTEM = frozenset({"thumbs.db", "desktop.ini", ".ds_store", "@eadir"})

# Each kind: how bad it is, and what is said after its number.
_KINDS: dict[str, tuple[Severity, str]] = {
    "video": ("warning", "no pictures yet; cut frames from them"),
    "other format": ("warning", "pictures in a format that is not read; convert them to JPEG or PNG"),
    "outside the classes": ("warning", "pictures in no class folder (of train/, val/ or test/, where there are such)"),
    "hidden": ("warning", "pictures with a hidden name, or in a hidden folder; rename them"),
    "link": ("warning", "links to folders, which are not followed below a class; put the pictures themselves there"),
    "system": ("note", "left behind by an operating system"),
    "other": ("note", "no pictures"),
}


class OddFile(Check):
    """One finding a kind, whatever the number of files."""

    name = "odd_file"
    meaning = "Files that training does not see: videos, other formats, pictures in no class folder."
    severity = "warning"

    def find(self, survey: Survey) -> Sequence[Finding]:
        root = survey.listing.root
        seen = {sample.path for sample in survey.listing.samples} | {item.path for item in survey.store.skipped}
        found: dict[str, list[Path]] = defaultdict(list)
        for path in _walk(root):
            if path not in seen and path != root / groups.FILE:
                kind = _kind(path, root)
                if kind != "link" or not any(picture.is_relative_to(path) for picture in seen):
                    found[kind].append(path)
        return [
            Finding(
                f"{len(found[kind])} {_suffixes(found[kind])}: {words}",
                files=tuple(found[kind]),
                score=len(found[kind]),
                kind=kind,
                severity=severity,
                moves=() if kind == "link" else tuple(found[kind]),
            )
            for kind, (severity, words) in _KINDS.items()
            if found[kind]
        ]


def _walk(root: Path) -> Iterator[Path]:
    """All files below `root`, and the links to folders, by name."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        links = [name for name in folders if Path(folder, name).is_symlink()]
        yield from (Path(folder, name) for name in sorted([*names, *links]))


def _kind(path: Path, root: Path) -> str:
    suffix, parts = path.suffix.lower(), path.relative_to(root).parts
    if path.is_dir():
        return "link"
    if path.name.startswith("._") or any(part.lower() in _SYSTEM for part in parts):
        return "system"
    if suffix in SUFFIXES:
        return "hidden" if any(part.startswith(".") for part in parts) else "outside the classes"
    if suffix in _VIDEOS:
        return "video"
    return "other format" if suffix in _OTHER_PICTURES else "other"


def _suffixes(paths: Sequence[Path]) -> str:
    """What the files are called: `.mp4 and .avi files`."""
    names = sorted({path.suffix.lower() or "unnamed" for path in paths})
    told = ", ".join(names[:3]) + (" and other" if len(names) > 3 else "")
    return f"{told} file{'s' if len(paths) > 1 else ''}"
