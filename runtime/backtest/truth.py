"""What truly happens in clips (truth.csv), and which events were right, missed or false."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_resnet.errors import UserError
from edge_resnet.manifest import AlarmSpec
from runtime.events.event import Event

# People mark the beginning of smoke or of a fight to about half a second; an alarm needs a window to be sure.
TOLERANCE_S = 1.0
_COLUMNS = ("clip", "start_s", "end_s", "class")


@dataclass(frozen=True)
class Interval:
    """Something of a class is to be seen from `start_s` to `end_s` of a clip."""

    start_s: float
    end_s: float
    label: str


@dataclass(frozen=True)
class Tally:
    """Counts over intervals and events; a true interval may have several events, which are then not false."""

    expected: int
    found: int
    false: int

    @property
    def missed(self) -> int:
        return self.expected - self.found

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.expected + other.expected, self.found + other.found, self.false + other.false)

    def to_json(self) -> dict[str, int]:
        """For reports."""
        return {"expected": self.expected, "found": self.found, "missed": self.missed, "false": self.false}


def read_truth(path: Path) -> dict[str, list[Interval]]:
    """The intervals of each clip, by the clip's file name. A clip without rows is normal. Raises UserError."""
    truth: defaultdict[str, list[Interval]] = defaultdict(list)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                start_s, end_s = float(row["start_s"]), float(row["end_s"])
                if not 0 <= start_s < end_s:
                    raise ValueError
                truth[row["clip"]].append(Interval(start_s, end_s, row["class"]))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; name a file with the columns {','.join(_COLUMNS)}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: not a truth file; its columns are {','.join(_COLUMNS)}, times in seconds") from error
    return dict(truth)


def tally(events: Sequence[Event], intervals: Iterable[Interval], alarms: Mapping[str, AlarmSpec]) -> Tally:
    """Hold a clip's events against its truth, with TOLERANCE_S on both ends.

    Truth of classes that no alarm has is left out: the model does not know them.
    """
    alarm_of = {label: name for name, alarm in alarms.items() for label in alarm.classes}
    known = [interval for interval in intervals if interval.label in alarm_of]
    found = sum(any(_fits(event, interval, alarm_of) for event in events) for interval in known)
    false = sum(not any(_fits(event, interval, alarm_of) for interval in known) for event in events)
    return Tally(len(known), found, false)


def _fits(event: Event, interval: Interval, alarm_of: Mapping[str, str]) -> bool:
    ended_s = event.raised_s if event.ended_s is None else event.ended_s
    return (
        event.alarm == alarm_of[interval.label]
        and event.raised_s <= interval.end_s + TOLERANCE_S
        and ended_s >= interval.start_s - TOLERANCE_S
    )
