"""Events held against the truth: which were right, which intervals were found, and how sure these figures are.

    right    an event that was raised within a true interval of its alarm, with the tolerance on both ends
    found    an interval within which an event was raised; or one that began while a right event was still held, and
             shortly after what that event was raised for: an alarm that is always on finds its first interval alone
    false    an event that was raised outside of all intervals, however far it lasts into one

A true interval may have several events, and an event may cover several intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Protocol

from edge_resnet.statistics import poisson, wilson
from runtime.backtest.truth import Interval

DAY_S = 86400.0
# An alarm that was over at once could not be raised again sooner: 5 s of quiet, 10 s of cooldown.
HELD_OVER_S = 15.0


class Raised(Protocol):
    """An event, as far as the truth asks. Seconds of the stream; `ended_s` is None while it is held."""

    @property
    def raised_s(self) -> float: ...

    @property
    def ended_s(self) -> float | None: ...


@dataclass(frozen=True)
class Match:
    """An alarm's events against its intervals.

    `right`: of each event. `found`: of each interval. `delays_s`: of each interval, from its beginning to the first
    event raised within it (under 0 by the tolerance at most); None where none was.
    """

    right: tuple[bool, ...]
    found: tuple[bool, ...]
    delays_s: tuple[float | None, ...]

    @classmethod
    def of(cls, events: Sequence[Raised], intervals: Sequence[Interval]) -> Match:
        """Of one alarm's events in one piece of video, and the intervals of the alarm's classes."""
        right = tuple(any(interval.holds(event.raised_s) for interval in intervals) for event in events)
        held = [event for event, is_right in zip(events, right, strict=True) if is_right]
        delays_s = tuple(
            min((event.raised_s - interval.start_s for event in held if interval.holds(event.raised_s)), default=None)
            for interval in intervals
        )
        found = tuple(
            delay_s is not None or any(interval in _covered(event, intervals) for event in held)
            for delay_s, interval in zip(delays_s, intervals, strict=True)
        )
        return cls(right, found, delays_s)


@dataclass(frozen=True)
class Tally:
    """Counts over intervals and events. `normal_s`: seconds that were watched outside of the alarm's intervals.

    `delays_s`: of the intervals in which an event was raised.
    """

    expected: int = 0
    found: int = 0
    raised: int = 0
    false: int = 0
    normal_s: float = 0.0
    delays_s: tuple[float, ...] = field(default=())

    @classmethod
    def of(cls, match: Match, normal_s: float) -> Tally:
        """The counts of a match."""
        return cls(
            expected=len(match.found),
            found=sum(match.found),
            raised=len(match.right),
            false=len(match.right) - sum(match.right),
            normal_s=normal_s,
            delays_s=tuple(delay_s for delay_s in match.delays_s if delay_s is not None),
        )

    @property
    def missed(self) -> int:
        return self.expected - self.found

    @property
    def delay_s(self) -> float | None:
        """The median delay in seconds."""
        return median(self.delays_s) if self.delays_s else None

    @property
    def false_per_day(self) -> float | None:
        """False alarms in 24 hours of normal video."""
        return self.false / self._days if self.normal_s else None

    @property
    def false_per_day_95(self) -> tuple[float, float] | None:
        """The exact 95% interval of false_per_day, if false alarms come one by one and not in spells."""
        low, high = poisson(self.false)
        return (low / self._days, high / self._days) if self.normal_s else None

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.expected + other.expected,
            self.found + other.found,
            self.raised + other.raised,
            self.false + other.false,
            self.normal_s + other.normal_s,
            self.delays_s + other.delays_s,
        )

    def __sub__(self, part: Tally) -> Tally:
        """Without a part that was added to it."""
        rest = list(self.delays_s)
        for delay_s in part.delays_s:
            rest.remove(delay_s)
        return Tally(
            self.expected - part.expected,
            self.found - part.found,
            self.raised - part.raised,
            self.false - part.false,
            self.normal_s - part.normal_s,
            tuple(rest),
        )

    def to_json(self) -> dict[str, Any]:
        """For reports. Shares are 0..1, None of nothing; intervals are at 95%, Wilson's and for counts Garwood's."""
        right = self.raised - self.false
        return {
            "expected": self.expected,
            "found": self.found,
            "missed": self.missed,
            "raised": self.raised,
            "false": self.false,
            "recall": self.found / self.expected if self.expected else None,
            "recall_95": list(wilson(self.found, self.expected)),
            "precision": right / self.raised if self.raised else None,
            "precision_95": list(wilson(right, self.raised)),
            "delay_s": None if self.delay_s is None else round(self.delay_s, 3),
            "longest_delay_s": round(max(self.delays_s), 3) if self.delays_s else None,
            "normal_s": round(self.normal_s, 3),
            "false_per_day": self.false_per_day,
            "false_per_day_95": None if self.false_per_day_95 is None else list(self.false_per_day_95),
        }

    @property
    def _days(self) -> float:
        return self.normal_s / DAY_S


def _covered(event: Raised, intervals: Sequence[Interval]) -> list[Interval]:
    """The intervals that began while a right event was held, none of them long after the one before."""
    until_s = max(each.end_s for each in intervals if each.holds(event.raised_s))
    covered = []
    for interval in sorted(intervals, key=lambda each: each.start_s):
        near = event.raised_s <= interval.start_s <= until_s + HELD_OVER_S
        if near and event.ended_s is not None and event.ended_s >= interval.start_s:
            covered.append(interval)
            until_s = max(until_s, interval.end_s)
    return covered
