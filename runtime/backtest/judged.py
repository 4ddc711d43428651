"""Footage with the events that were raised on it, held against the truth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from runtime.backtest.footage import Footage
from runtime.backtest.tally import Tally
from runtime.events.event import Event


@dataclass(frozen=True)
class Judged:
    """A piece of footage and its events, in order."""

    footage: Footage
    events: tuple[Event, ...]

    @property
    def name(self) -> str:
        return self.footage.name

    def of_alarm(self, alarm: str) -> list[Event]:
        """The events of one alarm."""
        return [event for event in self.events if event.alarm == alarm]

    def found(self, alarm: str) -> tuple[bool, ...]:
        """Of each of the alarm's intervals, whether it was found."""
        return self.footage.match(alarm, self.of_alarm(alarm))[1].found

    def tally(self, alarm: str) -> Tally:
        """The counts of one alarm."""
        return self.footage.tally(alarm, self.of_alarm(alarm))

    @property
    def all(self) -> Tally:
        """The counts of all its alarms together: its normal seconds are camera time once for each alarm."""
        return sum((self.tally(alarm) for alarm in self.footage.alarms), Tally())

    def to_json(self) -> dict[str, Any]:
        """For reports; times in seconds of the clip."""
        tally = self.all
        return {
            "clip": self.name,
            "seconds": round(self.footage.seconds, 3),
            "truth": [
                [each.label, each.start_s, each.end_s]
                for each in dict.fromkeys(each for found in self.footage.truth.values() for each in found)
            ],
            "events": [[event.alarm, event.raised_s, event.ended_s] for event in self.events],
            **counts(tally),
            "alarms": {alarm: self.tally(alarm).to_json() for alarm in self.footage.alarms},
        }


def total(judged: Iterable[Judged], alarm: str | None = None) -> Tally:
    """The counts of all footage together, of one alarm or of all."""
    return sum((each.all if alarm is None else each.tally(alarm) for each in judged), Tally())


def counts(tally: Tally) -> dict[str, int]:
    """The bare counts."""
    return {"expected": tally.expected, "found": tally.found, "missed": tally.missed, "false": tally.false}
