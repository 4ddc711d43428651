"""The cameras that are plugged into this box."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from runtime.checkup.item import Item

_PART = "cameras here"
_NUMBERED = re.compile(r"video([0-9]+)")


def devices(dev: Path = Path("/dev"), system: Path = Path("/sys/class/video4linux")) -> Iterator[Item]:
    """Each video device with its name, and whether this user may read it."""
    found = sorted((int(match[1]), file) for file in dev.glob("video*") if (match := _NUMBERED.fullmatch(file.name)))
    if not found:
        yield Item(_PART, str(dev / "video*"), "absent", "none")
    for number, file in found:
        name = _read(system / file.name / "name") or "without a name"
        # The second node of a camera gives what it knows of the picture, not the picture.
        more = "" if _read(system / file.name / "index") in ("", "0") else ", another node of the same camera"
        if os.access(file, os.R_OK | os.W_OK):
            yield Item(_PART, str(file), "ok", f"{name}{more}: --camera {number}")
        else:
            advice = "sudo usermod -aG video $USER, then log in again; of a service, SupplementaryGroups=video"
            yield Item(_PART, str(file), "warning", f"{name}{more}: not yours to read", advice)


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""
