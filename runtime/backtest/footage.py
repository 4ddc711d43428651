"""Footage: what the network made of one piece of video, ready for any rule to be tried on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from edge_resnet.manifest import AlarmSpec
from runtime.backtest.tally import Match, Raised, Tally
from runtime.backtest.truth import Interval, Span, outside
from runtime.config.rules import in_zone
from runtime.config.settings import ZoneSettings
from runtime.events.journal import Decider
from runtime.judge import Judge, Target
from runtime.look import Look
from runtime.rule_settings import RuleSettings


@dataclass(frozen=True)
class Evidence:
    """What a target's rule is given, look by look: N times (seconds of the stream, growing), N probabilities (0..1).

    `labels`: the most probable class of the alarm. `armed`: whether the rule was; it rests where it was not.
    """

    times_s: npt.NDArray[np.float64]
    probabilities: npt.NDArray[np.float64]
    labels: tuple[str, ...]
    armed: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Footage:
    """A clip, or what a live camera recorded in one run; `name` says which.

    `watched`: the spans of time that were looked at. `truth`: the intervals of each alarm that is judged here, though
    there be none. `unknown`: of each alarm spans of which nobody has said what was to be seen; what is raised there
    counts for nothing. `zones`: those of the camera, for the thresholds that they have of their own.
    """

    name: str
    watched: tuple[Span, ...]
    evidence: Mapping[Target, Evidence]
    truth: Mapping[str, tuple[Interval, ...]]
    decider: Decider
    unknown: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    zones: Mapping[str, ZoneSettings] = field(default_factory=dict)

    @property
    def alarms(self) -> tuple[str, ...]:
        """Those that are judged here."""
        return tuple(self.truth)

    @property
    def seconds(self) -> float:
        """How long it was watched."""
        return outside(self.watched, ())

    def rule(self, target: Target, settings: RuleSettings) -> RuleSettings:
        """The rule of a target here, as the stream has it, where its alarm's is `settings`."""
        return settings if target.zone is None else in_zone(settings, self.zones[target.zone])

    def normal_s(self, alarm: str) -> float:
        """How many seconds were watched in which this alarm would be false, the truth's tolerance left out too."""
        truth = [interval.tolerant for interval in self.truth.get(alarm, ())]
        return outside(self.watched, [*truth, *self.unknown.get(alarm, ())])

    def match(self, alarm: str, raised: Iterable[Raised]) -> tuple[list[Raised], Match]:
        """The events of an alarm that count, and how they match the truth."""
        unknown = self.unknown.get(alarm, ())
        known = [each for each in raised if not any(first <= each.raised_s <= last for first, last in unknown)]
        return known, Match.of(known, self.truth.get(alarm, ()))

    def tally(self, alarm: str, raised: Iterable[Raised]) -> Tally:
        """The counts of an alarm's events."""
        return Tally.of(self.match(alarm, raised)[1], self.normal_s(alarm))


def evidence(looks: Sequence[Look], judge: Judge) -> dict[Target, Evidence]:
    """What the looks at a clip say for each of the judge's targets. Clips are of any day: every alarm is armed."""
    judged = [judge.look(look, lambda alarm: True) for look in looks]
    times_s = np.array([look.time_s for look in looks], np.float64)
    armed = np.ones(len(looks), np.bool_)
    return {
        target: Evidence(
            times_s,
            np.array([row[number].probability for row in judged], np.float64),
            tuple(row[number].label for row in judged),
            armed,
        )
        for number, target in enumerate(judge.rules)
    }


def of_alarms(intervals: Iterable[Interval], alarms: Mapping[str, AlarmSpec]) -> dict[str, tuple[Interval, ...]]:
    """The intervals of each alarm, from those of all classes.

    What is of no alarm's class is left out: to every alarm it is a part of normal life.
    """
    listed = list(intervals)
    return {
        name: tuple(interval for interval in listed if interval.label in alarm.classes)
        for name, alarm in alarms.items()
    }
