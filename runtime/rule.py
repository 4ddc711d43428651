"""The alarm rule: from one alarm's probability over time to alarms, one for each episode.

    watching --raise--> held --quiet--> cooldown --cooldown_s over--> watching
       |  ^
       |  | a window without a look over low_threshold: the attempt missed
       v  |
      attempt (a look over low_threshold; it lasts while such looks come at most a window apart)

    raise   the look itself is at least `threshold`, the looks of the last `window_s` are at least `min_looks`, lie at
            least half a window apart, are at least `threshold` in a `share` of the cases and `mean_threshold` in the
            mean, and the attempt's first look over `threshold` is at least `min_duration_s` ago. Where looks did not
            come steadily, the `share` is one of their time as well: two looks at once after a rare one are two thirds
            of three looks, and say nothing of the second before them
    quiet   looks under `low_threshold`, and none over it, for `quiet_s`: silence has to be seen, and a gap between two
            looks that is longer than a window counts for little
    cooldown    nothing is raised; looks are gathered, so that what still goes on is raised as soon as it is over
    disarmed    the rule is finished: what is held is cleared, an attempt has missed, and it begins anew when armed,
            without a cooldown

The rule has no clock: the times are those of the frames, so the same looks give the same alarms whenever they are fed.
It speaks in seconds and numbers of looks, never in frames, so it means the same at every rate.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from enum import Enum

from runtime.attempt import Attempt, Lack, Reach
from runtime.rule_settings import RuleSettings

# Two looks around an outage never make a quiet alone, however short it is.
_UNSEEN_SHARE = 0.5


class Change(Enum):
    """What a look did to an alarm."""

    NONE = "none"
    RAISED = "raised"
    STILL = "still"
    CLEARED = "cleared"
    MISSED = "missed"


class State(Enum):
    """What a rule is at after a look."""

    WATCHING = "watching"
    HELD = "held"
    COOLDOWN = "cooldown"
    DISARMED = "disarmed"


@dataclass(frozen=True)
class Episode:
    """What one alarm has seen so far. Times are seconds of the stream.

    `started_s`: the attempt's first look over `threshold`. `raised_s`: the look that raised it. `last_s`: the last
    look over `low_threshold`. `peak`, `mean`, `looks`: of the looks over `low_threshold`, from those of the window
    that raised it on.
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
    """The rule's answer to a look: what changed, when, and what it is at now.

    `episode`: the one that is held, or was cleared by this look. `attempt`: the one that goes on, or missed with this
    look. `lacks`: while it watches and an attempt goes on, what this look lacked for an alarm.
    """

    change: Change
    time_s: float
    state: State
    episode: Episode | None = None
    attempt: Attempt | None = None
    lacks: tuple[Lack, ...] = ()


@dataclass
class Rule:
    """The rule of one alarm of one camera; see the module for its states."""

    settings: RuleSettings
    _window: deque[tuple[float, float]] = field(default_factory=deque, init=False)
    _last_time_s: float = field(default=float("-inf"), init=False)
    _episode: Episode | None = field(default=None, init=False)
    _attempt: Attempt | None = field(default=None, init=False)
    _quiet_since_s: float | None = field(default=None, init=False)
    _cool_at_s: float = field(default=float("-inf"), init=False)

    def look(self, time_s: float, probability: float) -> Transition:
        """Take one look, later than the one before, and its probability in 0..1. Raises ValueError for others."""
        if not 0.0 <= probability <= 1.0 or not time_s > self._last_time_s:
            raise ValueError(f"a look at {time_s} s with probability {probability} after one at {self._last_time_s} s")
        gap_s, self._last_time_s = time_s - self._last_time_s, time_s
        return self._watch(time_s, probability) if self._episode is None else self._hold(time_s, gap_s, probability)

    @property
    def goes_on(self) -> bool:
        """Whether an alarm is held, or attempted."""
        return self._episode is not None or self._attempt is not None

    def finish(self) -> Transition:
        """The stream is over, or the alarm disarmed: what is held is cleared as it stands, an attempt has missed."""
        self._window.clear()
        cleared = None if self._episode is None else self._clear(self._last_time_s)
        # Who arms again wants to know at once.
        self._cool_at_s = float("-inf")
        if cleared is not None:
            return replace(cleared, state=State.DISARMED)
        missed, self._attempt = self._attempt, None
        change = Change.NONE if missed is None or missed.reach is None else Change.MISSED
        return Transition(change, self._last_time_s, State.DISARMED, attempt=missed)

    def _watch(self, time_s: float, probability: float) -> Transition:
        self._window.append((time_s, probability))
        while self._window[0][0] < time_s - self.settings.window_s:
            self._window.popleft()
        missed = self._track(time_s, probability)
        cooling = time_s < self._cool_at_s
        state = State.COOLDOWN if cooling else State.WATCHING
        attempt = self._attempt
        lacks: tuple[Lack, ...] = ()
        if attempt is not None and attempt.last_s == time_s and not cooling:
            reach = Reach.of(self._window, self.settings.threshold, attempt.over_s)
            lacks = reach.lacks(probability, self.settings)
            if not lacks:
                return self._raise(time_s, attempt)
            attempt = self._attempt = attempt.reached(reach, lacks)
        if missed is not None and missed.reach is not None:
            return Transition(Change.MISSED, time_s, state, attempt=missed, lacks=lacks)
        return Transition(Change.NONE, time_s, state, attempt=attempt, lacks=lacks)

    def _track(self, time_s: float, probability: float) -> Attempt | None:
        """Begin, go on with or end the attempt; the one that ended."""
        missed = None
        if self._attempt is not None and time_s - self._attempt.last_s > self.settings.window_s:
            missed, self._attempt = self._attempt, None
        if probability >= self.settings.low_threshold:
            threshold = self.settings.threshold
            if self._attempt is None:
                self._attempt = Attempt.begin(time_s, probability, threshold)
            else:
                self._attempt = self._attempt.with_look(time_s, probability, threshold)
        return missed

    def _raise(self, time_s: float, attempt: Attempt) -> Transition:
        held = [value for _, value in self._window if value >= self.settings.low_threshold]
        self._episode = Episode(attempt.over_s, time_s, time_s, max(held), sum(held) / len(held), len(held))
        self._attempt, self._quiet_since_s = None, None
        return Transition(Change.RAISED, time_s, State.HELD, self._episode)

    def _hold(self, time_s: float, gap_s: float, probability: float) -> Transition:
        assert self._episode is not None
        if probability >= self.settings.low_threshold:
            self._quiet_since_s = None
            self._episode = self._episode.with_look(time_s, probability)
        else:
            if self._quiet_since_s is None:
                self._quiet_since_s = time_s
            elif gap_s > self.settings.window_s:
                # Not nothing, or an overloaded box, whose looks come so seldom, would never end an alarm.
                self._quiet_since_s += gap_s - min(self.settings.window_s, _UNSEEN_SHARE * self.settings.quiet_s)
            if time_s - self._quiet_since_s >= self.settings.quiet_s:
                return self._clear(time_s)
        return Transition(Change.STILL, time_s, State.HELD, self._episode)

    def _clear(self, time_s: float) -> Transition:
        episode, self._episode = self._episode, None
        self._cool_at_s = time_s + self.settings.cooldown_s
        # What made one episode must not count towards the next.
        self._window.clear()
        return Transition(Change.CLEARED, time_s, State.COOLDOWN, episode)
