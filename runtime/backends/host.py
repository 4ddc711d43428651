"""Which processor this is, by its name."""

from __future__ import annotations

import platform
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
# What Linux writes on x86, and on some ARM boards.
_NAME_KEYS = ("model name", "Model", "Hardware")


def processor() -> str:
    """The processor's name as the system tells it, for people and for keys of what was measured here."""
    try:
        lines = _CPUINFO.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    pairs = (line.partition(":") for line in lines)
    names = {key.strip(): value.strip() for key, _colon, value in pairs}
    return next((names[key] for key in _NAME_KEYS if names.get(key)), platform.processor() or platform.machine())
