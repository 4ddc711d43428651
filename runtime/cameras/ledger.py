"""The ledger of watched time: every moment of a camera is watched, or blind for one reason, and the sums are whole."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from itertools import pairwise

from runtime.cameras.gap import Gap
from runtime.cameras.sight import LIVE, OFFLINE, TIMEOUT, Turn
from runtime.events.entry import WATCHED, Entry

# Beside the states of blindness (sight.BLIND; `offline:` with its reason).
# not_looked: frames came, but none was classified or passed by the gate; no_engine: because there was no engine yet, or
# none again: it was being opened. not_running: this program was off.
NOT_LOOKED, NO_ENGINE, NOT_RUNNING, STARTING = "not_looked", "no_engine", "not_running", "starting"

# Longer than this is no break: a clock without a battery woke up in another year.
MAX_BREAK = timedelta(days=366)
_HOUR = timedelta(hours=1)


class Ledger:
    """The account of one camera. Seconds are of time.monotonic(); only the hour they are booked on is the wall clock's.

    A moment is watched when the camera was live and it lies between two looks that are no further apart than `gap`
    allows. What is uncertain waits: nothing is booked after the time given to `settle`, so that evidence found later
    still counts.
    """

    def __init__(
        self,
        camera: str,
        now_s: float,
        wall: Callable[[], datetime],
        stopped: datetime | None = None,
        max_gap_s: float = 3.0,
    ) -> None:
        """`wall`: the time now, aware. `stopped`: the last moment that an earlier run has booked of this camera."""
        self.camera = camera
        self._wall = wall
        self.gap = Gap(max_gap_s)
        self._settled_s = now_s
        self._until = wall().astimezone(timezone.utc)
        # From when on which category holds; None is live. Only the last one before the cursor, and those after it.
        self._turns: list[tuple[float, str | None]] = [(now_s, STARTING)]
        # Spans of looks with no gap between, first and last look of each.
        self._looks: list[tuple[float, float]] = []
        # Spans without an engine, first and last moment of each; told up to when.
        self._without: list[tuple[float, float]] = []
        self._told_s, self._engine = now_s, True
        self._new: defaultdict[tuple[str, str], float] = defaultdict(float)
        self._totals: defaultdict[str, float] = defaultdict(float)
        if stopped is not None and timedelta(0) < self._until - stopped <= MAX_BREAK:
            self._book(NOT_RUNNING, stopped.astimezone(timezone.utc), self._until)

    @property
    def settled_s(self) -> float:
        """Up to when everything is booked."""
        return self._settled_s

    @property
    def until(self) -> datetime:
        """The same in UTC, by the wall clock when it was settled; to be stored with what `take` gives."""
        return self._until

    @property
    def totals(self) -> Mapping[str, float]:
        """Seconds by category since the start, without `not_running`."""
        return dict(self._totals)

    def looked(self, captured_s: float) -> None:
        """A frame captured at `captured_s` was classified, or passed by the gate as one in which nothing moves."""
        if not self._looks or captured_s - self._looks[-1][1] > self.gap.longest_s:
            self._looks.append((captured_s, captured_s))
        elif captured_s > self._looks[-1][1]:
            self._looks[-1] = self._looks[-1][0], captured_s
        self.gap.looked()

    def engine(self, now_s: float, runs: bool) -> None:
        """Whether an engine runs now; to be told often, before `settle`."""
        # When it began to run since the last time is not known, and nobody is blamed for the half of a second.
        if not (runs and self._engine):
            since_s = self._told_s
            if self._without and self._without[-1][1] >= since_s:
                since_s = self._without.pop()[0]
            self._without.append((since_s, now_s))
        self._told_s, self._engine = now_s, runs

    def turned(self, turn: Turn) -> None:
        """The camera went to another state, since `turn.since_s`; what is booked stays booked."""
        since_s = max(turn.since_s, self._settled_s)
        category = turn.state
        if category == OFFLINE:
            category = f"{OFFLINE}:{turn.evidence.get('reason', TIMEOUT)}"
        while self._turns and self._turns[-1][0] >= since_s:
            self._turns.pop()
        self._turns.append((since_s, None if turn.state == LIVE else category))

    def settle(self, now_s: float, trusted_s: float | None = None) -> None:
        """Book all up to `trusted_s` (Sight.trusted_until; None: up to now), but what the next look may still cover."""
        wanted_s = now_s if trusted_s is None else min(now_s, trusted_s)
        offset = self._wall().astimezone(timezone.utc) - timedelta(seconds=now_s)
        for start_s, end_s, category in self._spans(wanted_s):
            self._totals[category] += end_s - start_s
            self._book(
                category, offset + timedelta(seconds=start_s), offset + timedelta(seconds=end_s), end_s - start_s
            )
            self._settled_s = end_s
        self._until = offset + timedelta(seconds=self._settled_s)
        self._tidy()

    def take(self) -> tuple[Entry, ...]:
        """What was booked since the last call."""
        entries = tuple(Entry(self.camera, hour, category, s) for (hour, category), s in self._new.items() if s > 0.0)
        self._new.clear()
        return entries

    def _spans(self, until_s: float) -> list[tuple[float, float, str]]:
        """What can be booked from the cursor to `until_s`, without a gap: start, end, category."""
        spans: list[tuple[float, float, str]] = []
        for (began_s, category), (over_s, _) in pairwise([*self._turns, (math.inf, None)]):
            start_s, end_s = max(began_s, self._settled_s), min(over_s, until_s)
            if category is None:
                spans += self._live(began_s, over_s, start_s, end_s)
            elif start_s < end_s:
                spans.append((start_s, end_s, category))
        return spans

    def _live(self, began_s: float, over_s: float, start_s: float, end_s: float) -> Iterator[tuple[float, float, str]]:
        """Watched and not looked at, from `start_s` to `end_s` of a live stretch from `began_s` to `over_s`."""
        gap_s = self.gap.longest_s
        looks = [(first_s, last_s) for first_s, last_s in self._looks if last_s >= began_s and first_s <= over_s]
        last_s = looks[-1][1] if looks else began_s
        if math.isinf(over_s) and end_s <= last_s + gap_s:
            # The next look may still be near enough to the last.
            end_s = min(end_s, last_s)
        for first_s, last_s in looks:
            # The frames at which the stretch begins and ends are evidence too, where a look is near.
            from_s = max(start_s, began_s if first_s - began_s <= gap_s else first_s)
            to_s = min(end_s, over_s if over_s - last_s <= gap_s else last_s)
            if from_s < to_s:
                yield from self._not_looked(start_s, from_s)
                yield from_s, to_s, WATCHED
                start_s = to_s
        yield from self._not_looked(start_s, end_s)

    def _not_looked(self, start_s: float, end_s: float) -> Iterator[tuple[float, float, str]]:
        """A span without looks, in which there may have been no engine, and a gap's time until it is looked again."""
        gap_s = self.gap.longest_s
        for since_s, until_s in self._without:
            from_s, to_s = max(start_s, since_s - gap_s), min(end_s, until_s + gap_s)
            if from_s < to_s:
                if start_s < from_s:
                    yield start_s, from_s, NOT_LOOKED
                yield from_s, to_s, NO_ENGINE
                start_s = to_s
        if start_s < end_s:
            yield start_s, end_s, NOT_LOOKED

    def _book(self, category: str, start: datetime, end: datetime, seconds: float | None = None) -> None:
        """Add a span to its hours. `seconds`: its true length, where it is known better than by the wall clock."""
        left_s = (end - start).total_seconds() if seconds is None else seconds
        while True:
            hour = start.replace(minute=0, second=0, microsecond=0)
            part_s = (hour + _HOUR - start).total_seconds()
            self._new[hour.isoformat(), category] += min(part_s, left_s)
            left_s -= part_s
            if left_s <= 0.0:
                return
            start = hour + _HOUR

    def _tidy(self) -> None:
        """Forget what can no longer matter."""
        while len(self._turns) > 1 and self._turns[1][0] <= self._settled_s:
            self._turns.pop(0)
        while len(self._looks) > 1 and self._looks[1][0] <= self._settled_s:
            self._looks.pop(0)
        while len(self._without) > 1 and self._without[1][0] <= self._settled_s:
            self._without.pop(0)
