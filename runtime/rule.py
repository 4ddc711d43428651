"""The alarm rule: from one alarm's probability over time to alarms, one for each episode.

    watching --raise--> held --quiet--> cooldown --cooldown_s over--> watching

    raise   the look itself is at least `threshold`, and the looks of the last `window_s` are at least `min_looks`, lie
            at least half a window apart, are at least `threshold` in half of the cases and `mean_threshold` in the mean
    quiet   looks under `low_threshold`, and none over it, for `quiet_s`: silence has to be seen, a stream that
            gives no looks does not end an alarm
    cooldown    nothing is raised; looks are gathered, so that what still goes on is raised as soon as it is over

The rule has no clock: the times are those of the frames, so the same looks give the same alarms whenever they are fed.
It speaks in seconds and numbers of looks, never in frames, so it means the same at every rate.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from edge_resnet.manifest import AlarmSpec

# How far a held alarm's threshold is under the one that raised it (pyro-engine uses the same share).
_HYSTERESIS = 0.8


@dataclass(frozen=True)
class RuleSettings:
    """When an alarm is raised, held and let go. Thresholds are probabilities, times are seconds.

    The defaults, and why:
    `window_s` 2: ten looks at the default rate of 5 a second; a headlight or an insect passes in under one.
    `min_looks` 3: fewer say nothing, however long the window; so the rate must be over 2 looks in `window_s`.
    `quiet_s` 5: a person behind a pillar and a flame behind smoke come back within seconds, and are one episode.
    `cooldown_s` 10: a second alarm says nothing new to somebody who is still walking to the first.
    """

    threshold: float = 0.5
    mean_threshold: float = 0.5
    low_threshold: float = 0.4
    window_s: float = 2.0
    min_looks: int = 3
    quiet_s: float = 5.0
    cooldown_s: float = 10.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.low_threshold <= self.threshold <= 1.0 or not 0.0 <= self.mean_threshold <= 1.0:
            raise ValueError("thresholds are probabilities, and low_threshold is not over threshold")
        if self.window_s <= 0 or self.min_looks < 1 or self.quiet_s < 0 or self.cooldown_s < 0:
            raise ValueError("window_s is over 0, min_looks at least 1, quiet_s and cooldown_s not negative")

    @classmethod
    def of(cls, alarm: AlarmSpec) -> RuleSettings:
        """The settings for an alarm of a bundle: its thresholds, and the default times."""
        return cls(
            threshold=alarm.threshold,
            mean_threshold=alarm.mean_threshold,
            low_threshold=_HYSTERESIS * alarm.threshold,
        )


class Change(Enum):
    """What a look did to an alarm."""

    NONE = "none"
    RAISED = "raised"
    STILL = "still"
    CLEARED = "cleared"


@dataclass(frozen=True)
class Episode:
    """What one alarm has seen so far. Times are seconds of the stream.

    `started_s`: the first look over `threshold` among those that raised it. `raised_s`: the look that raised it.
    `last_s`: the last look over `low_threshold`. `peak`, `mean`, `looks`: of the looks over `low_threshold`.
    """

    started_s: float
    raised_s: float
    last_s: float
    peak: float
    mean: float
    looks: int

    def with_look(self, time_s: float, probability: float) -> Episode:
        """The episode after one more look over `low_threshold`."""
        looks = self.looks + 1
        mean = self.mean + (probability - self.mean) / looks
        return Episode(self.started_s, self.raised_s, time_s, max(self.peak, probability), mean, looks)


@dataclass(frozen=True)
class Transition:
    """The rule's answer to a look: what changed, when, and the episode it belongs to (None while nothing is held)."""

    change: Change
    time_s: float
    episode: Episode | None = None


@dataclass
class Rule:
    """The rule of one alarm of one camera; see the module for its states."""

    settings: RuleSettings
    _window: deque[tuple[float, float]] = field(default_factory=deque, init=False)
    _last_time_s: float = field(default=float("-inf"), init=False)
    _episode: Episode | None = field(default=None, init=False)
    _quiet_since_s: float | None = field(default=None, init=False)
    _cool_at_s: float = field(default=float("-inf"), init=False)

    def look(self, time_s: float, probability: float) -> Transition:
        """Take one look, later than the one before, and its probability in 0..1. Raises ValueError for others."""
        if not 0.0 <= probability <= 1.0 or not time_s > self._last_time_s:
            raise ValueError(f"a look at {time_s} s with probability {probability} after one at {self._last_time_s} s")
        self._last_time_s = time_s
        return self._watch(time_s, probability) if self._episode is None else self._hold(time_s, probability)

    def finish(self) -> Transition:
        """The stream is over: a held alarm is cleared as it stands."""
        return self._clear(self._last_time_s) if self._episode else Transition(Change.NONE, self._last_time_s)

    def _watch(self, time_s: float, probability: float) -> Transition:
        self._window.append((time_s, probability))
        while self._window[0][0] < time_s - self.settings.window_s:
            self._window.popleft()
        if time_s < self._cool_at_s or probability < self.settings.threshold or not self._window_convinces():
            return Transition(Change.NONE, time_s)
        started_s = next(time for time, value in self._window if value >= self.settings.threshold)
        held = [value for _, value in self._window if value >= self.settings.low_threshold]
        self._episode = Episode(started_s, time_s, time_s, max(held), sum(held) / len(held), len(held))
        self._quiet_since_s = None
        return Transition(Change.RAISED, time_s, self._episode)

    def _window_convinces(self) -> bool:
        settings = self.settings
        looks = [value for _, value in self._window]
        span_s = self._window[-1][0] - self._window[0][0]
        over = sum(value >= settings.threshold for value in looks)
        return (
            len(looks) >= settings.min_looks
            and span_s >= settings.window_s / 2
            and over * 2 >= len(looks)
            and sum(looks) / len(looks) >= settings.mean_threshold
        )

    def _hold(self, time_s: float, probability: float) -> Transition:
        assert self._episode is not None
        if probability >= self.settings.low_threshold:
            self._quiet_since_s = None
            self._episode = self._episode.with_look(time_s, probability)
            return Transition(Change.STILL, time_s, self._episode)
        if self._quiet_since_s is None:
            self._quiet_since_s = time_s
        if time_s - self._quiet_since_s >= self.settings.quiet_s:
            return self._clear(time_s)
        return Transition(Change.STILL, time_s, self._episode)

    def _clear(self, time_s: float) -> Transition:
        episode, self._episode = self._episode, None
        self._cool_at_s = time_s + self.settings.cooldown_s
        # What made one episode must not count towards the next.
        self._window.clear()
        return Transition(Change.CLEARED, time_s, episode)
