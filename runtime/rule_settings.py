"""When an alarm is raised, held and let go, in probabilities, seconds and numbers of looks."""

from __future__ import annotations

from dataclasses import dataclass

from edge_resnet.manifest import AlarmSpec

# How far a held alarm's threshold is under the one that raised it (pyro-engine uses the same share).
HYSTERESIS = 0.8


@dataclass(frozen=True)
class RuleSettings:
    """When an alarm is raised, held and let go. Thresholds are probabilities, times are seconds.

    The defaults, and why:
    `window_s` 2: ten looks at the default rate of 5 a second; a headlight or an insect passes in under one.
    `min_looks` 3: fewer say nothing, however long the window; so the rate must be over 2 looks in `window_s`.
    `share` one half: a flame flickers and a person is hidden by a pillar, but what is there is seen in most looks.
    `min_duration_s` 0: the window alone decides; more than `window_s` for what is only wrong when it stays.
    `quiet_s` 5: a person behind a pillar and a flame behind smoke come back within seconds, and are one episode.
    `cooldown_s` 10: a second alarm says nothing new to somebody who is still walking to the first.
    """

    threshold: float = 0.5
    mean_threshold: float = 0.5
    low_threshold: float = 0.4
    share: float = 0.5
    window_s: float = 2.0
    min_looks: int = 3
    min_duration_s: float = 0.0
    quiet_s: float = 5.0
    cooldown_s: float = 10.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.low_threshold <= self.threshold <= 1.0 or not 0.0 <= self.mean_threshold <= 1.0:
            raise ValueError("thresholds are probabilities, and low_threshold is not over threshold")
        if self.window_s <= 0 or self.min_looks < 1 or not 0.0 < self.share <= 1.0:
            raise ValueError("window_s is over 0, min_looks at least 1, share over 0 and at most 1")
        if self.min_duration_s < 0 or self.quiet_s < 0 or self.cooldown_s < 0:
            raise ValueError("min_duration_s, quiet_s and cooldown_s are not negative")

    @classmethod
    def of(cls, alarm: AlarmSpec) -> RuleSettings:
        """The settings for an alarm of a bundle: its thresholds, and the default times."""
        return cls(
            threshold=alarm.threshold,
            mean_threshold=alarm.mean_threshold,
            low_threshold=HYSTERESIS * alarm.threshold,
        )
