"""An attempt: looks that came near an alarm; what it lacked tells why none was raised."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from runtime.rule_settings import RuleSettings

# What a rule asks for, in the order in which it is told.
Lack = Literal["looks", "threshold", "span", "share", "mean", "duration"]

# Looks come steadily when no gap between two is longer than so many usual ones; a beat may fall out, and they jitter.
_STEADY = 2.5
# Times are sums of steps that are no binary fractions.
_ROUNDING = 1e-9

_GROUPS: tuple[tuple[Lack, ...], ...] = (("looks", "span"), ("threshold", "share", "mean"), ("duration",))


@dataclass(frozen=True)
class Reach:
    """How far the looks of a window came.

    `best`, `mean`: of their probabilities. `looks`: how many there are; `over`: of these, at least the threshold.
    `span_s`: from the first to the last. `lasted_s`: since the attempt's first look over the threshold. `over_share`:
    of their time, how much lies between the first and the last look over the threshold; 1 where looks come steadily,
    and their number says it all.
    """

    best: float
    mean: float
    looks: int
    over: int
    span_s: float
    lasted_s: float
    over_share: float = 1.0

    @classmethod
    def of(cls, looks: Sequence[tuple[float, float]], threshold: float, since_s: float) -> Reach:
        """Of looks (time, probability), the last one now; `since_s`: of the attempt's first over the threshold."""
        values = [value for _, value in looks]
        first_s, last_s = looks[0][0], looks[-1][0]
        over_s = [time_s for time_s, value in looks if value >= threshold]
        return cls(
            best=max(values),
            mean=sum(values) / len(values),
            looks=len(values),
            over=len(over_s),
            span_s=last_s - first_s,
            lasted_s=max(0.0, last_s - since_s),
            over_share=_over_share([time_s for time_s, _ in looks], over_s),
        )

    def lacks(self, probability: float, settings: RuleSettings) -> tuple[Lack, ...]:
        """What is missing for an alarm at a look of `probability`; nothing: it is raised."""
        fulfilled: Iterable[tuple[Lack, bool]] = (
            ("looks", self.looks >= settings.min_looks),
            ("threshold", probability >= settings.threshold),
            ("span", self.span_s >= settings.window_s / 2),
            ("share", self.over >= settings.share * self.looks and self.over_share >= settings.share - _ROUNDING),
            ("mean", self.mean >= settings.mean_threshold),
            ("duration", self.lasted_s >= settings.min_duration_s),
        )
        return tuple(name for name, holds in fulfilled if not holds)


def _over_share(times_s: Sequence[float], over_s: Sequence[float]) -> float:
    """See Reach. Each look stands for the time until the next, the last for a usual one."""
    gaps_s = [after - before for before, after in itertools.pairwise(times_s)]
    if not gaps_s or max(gaps_s) <= _STEADY * (usual_s := statistics.median_low(gaps_s)):
        return 1.0
    return (over_s[-1] - over_s[0] + usual_s) / (times_s[-1] - times_s[0] + usual_s) if over_s else 0.0


def _in_words(reach: Reach, settings: RuleSettings) -> str:
    """Which share was too small: of the looks, or of the time."""
    if reach.over < settings.share * reach.looks:
        return f"{reach.over} of {reach.looks} looks over {settings.threshold:.2f}"
    return f"over {settings.threshold:.2f} in {reach.over_share:.0%} of the time"


@dataclass(frozen=True)
class Attempt:
    """Looks over `low_threshold` that came at most a window apart, and raised nothing so far. Times: of the stream.

    `over_s`: the first look over `threshold`, infinite while there was none. `best`: the highest probability, at
    `best_s`. `looks`: over `low_threshold`. `reach`, `lacks`: of the look that came nearest, the fewest things lacking.
    """

    began_s: float
    last_s: float
    over_s: float
    best: float
    best_s: float
    looks: int
    reach: Reach | None = None
    lacks: tuple[Lack, ...] = ()

    @classmethod
    def begin(cls, time_s: float, probability: float, threshold: float) -> Attempt:
        """With its first look."""
        over_s = time_s if probability >= threshold else float("inf")
        return cls(time_s, time_s, over_s, probability, time_s, 1)

    def with_look(self, time_s: float, probability: float, threshold: float) -> Attempt:
        """With one more look over `low_threshold`."""
        over_s = min(self.over_s, time_s) if probability >= threshold else self.over_s
        best, best_s = max((self.best, self.best_s), (probability, time_s), key=lambda pair: pair[0])
        return replace(self, last_s=time_s, over_s=over_s, best=best, best_s=best_s, looks=self.looks + 1)

    def reached(self, reach: Reach, lacks: tuple[Lack, ...]) -> Attempt:
        """Keep what its newest look reached, if none came nearer."""
        nearer = self.reach is None or (len(lacks), -reach.mean) <= (len(self.lacks), -self.reach.mean)
        return replace(self, reach=reach, lacks=lacks) if nearer else self

    def why_not(self, settings: RuleSettings) -> str:
        """In words for people: "2 of 3 looks, best 0.64 under 0.70"."""
        reach = self.reach
        if reach is None:
            return f"best {self.best:.2f}"
        words: dict[Lack, str] = {
            "looks": f"{reach.looks} of {settings.min_looks} looks",
            "threshold": f"best {self.best:.2f} under {settings.threshold:.2f}"
            if self.best < settings.threshold
            else f"its last look under {settings.threshold:.2f}",
            "span": f"looks within {reach.span_s:.1f} s, {settings.window_s / 2:.1f} s are needed",
            "share": f"{_in_words(reach, settings)}, {settings.share:.0%} are needed",
            "mean": f"mean {reach.mean:.2f} under {settings.mean_threshold:.2f}",
            "duration": f"lasted {reach.lasted_s:.1f} s of {settings.min_duration_s:.1f} s",
        }
        # Of how many, and of how sure, the first says it all.
        told = [next((lack for lack in group if lack in self.lacks), None) for group in _GROUPS]
        return ", ".join(words[lack] for lack in told if lack is not None)
