"""An entry of the ledger: seconds of one camera in one hour that were watched, or blind and why."""

from __future__ import annotations

from dataclasses import dataclass

WATCHED = "watched"


@dataclass(frozen=True)
class Entry:
    """`camera`: its name. `hour`: its beginning, UTC, ISO 8601 (2026-11-24T13:00:00+00:00).

    `category`: watched, or why not (runtime/cameras/ledger.py). `seconds`: how much of the hour, by a clock that never
    jumps; an hour that the wall clock passed twice may hold more than 3600.
    """

    camera: str
    hour: str
    category: str
    seconds: float
