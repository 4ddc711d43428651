"""The ledger added up: for each camera, or each of its hours, how much was watched and what the rest was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runtime.events.entry import WATCHED, Entry

HOUR_S = 3600.0
# A clock that is slewed moves the hour's end a little against the seconds that are booked.
TOLERANCE_S = 2.0


@dataclass(frozen=True)
class Account:
    """Seconds of a `camera`; `hour` is empty where it is over all of them. `blind_s` by category, the longest first."""

    camera: str
    hour: str
    watched_s: float
    blind_s: Mapping[str, float]

    @property
    def seconds(self) -> float:
        return self.watched_s + sum(self.blind_s.values())

    @property
    def watched_share(self) -> float:
        """0..1; 0 where nothing is booked."""
        return self.watched_s / self.seconds if self.seconds else 0.0


def accounts(entries: Sequence[Entry], by_hour: bool = False) -> list[Account]:
    """One account for each camera, or for each of its hours, in this order."""
    sums: defaultdict[tuple[str, str], defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for entry in entries:
        sums[entry.camera, entry.hour if by_hour else ""][entry.category] += entry.seconds
    return [
        Account(
            camera,
            hour,
            by_category.get(WATCHED, 0.0),
            {name: s for name, s in sorted(by_category.items(), key=lambda each: -each[1]) if name != WATCHED},
        )
        for (camera, hour), by_category in sorted(sums.items())
    ]


def odd_hours(entries: Sequence[Entry]) -> list[Account]:
    """The hours whose seconds are not 3600: more, or less between a camera's first and last hour.

    The wall clock was set in such an hour, or it is missing from the file. No hour may be missing unnoticed: what an
    earlier run left is booked as not_running when the next begins.
    """
    hours = accounts(entries, by_hour=True)
    first_last = {
        name: _ends([each.hour for each in hours if each.camera == name]) for name in {h.camera for h in hours}
    }
    return [
        each
        for each in hours
        if each.seconds > HOUR_S + TOLERANCE_S
        or (each.seconds < HOUR_S - TOLERANCE_S and each.hour not in first_last[each.camera])
    ]


def _ends(hours: list[str]) -> tuple[str, str]:
    return min(hours), max(hours)
