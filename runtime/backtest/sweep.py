"""The sweep: many rules on the same footage; the one that a budget of false alarms chooses, or why none is.

What is tried is the stream's own rule, and a zone with a threshold of its own keeps it, as it does in the stream.
Thresholds come from the scores themselves, so that they lie where something changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from statistics import median_low

import numpy as np
import numpy.typing as npt

from edge_resnet.manifest import AlarmSpec
from runtime.backtest.budget import Budget, bound
from runtime.backtest.footage import Footage
from runtime.backtest.replay import alarms
from runtime.backtest.tally import Tally
from runtime.judge import Target
from runtime.rule_settings import HYSTERESIS, RuleSettings

WINDOWS_S = (1.0, 2.0, 4.0, 8.0)
SHARES = (0.5, 0.8)
# Of the scores within true intervals, what is found turns here; of the others, what is false does.
_TRUE_QUANTILES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9)
_NORMAL_QUANTILES = (0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)
# In hours of video no threshold is tried that more than a tenth of normal looks are over, for it takes longest and is
# of no use; but one that only so many looks are over costs nothing.
_USELESS_SHARE, _CHEAP_LOOKS = 0.1, 10_000
_STEPS = 1000
_ROUNDING_S = 1e-6
_LEAST, _MOST = 0.02, 0.999

Scores = npt.NDArray[np.float64]
Step = Callable[[int, int], None]


@dataclass(frozen=True)
class Trial:
    """A rule that was tried, and its counts on each piece of footage."""

    settings: RuleSettings
    parts: tuple[Tally, ...]
    total: Tally = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", sum(self.parts, Tally()))

    def without(self, number: int) -> Tally:
        """The counts on all footage but one."""
        return self.total - self.parts[number]


@dataclass(frozen=True)
class Choice:
    """The rule that a budget chose for an alarm. `tried`: all rules, that of today first.

    `refusal`: why none was chosen. `left_out`: the counts on each piece of footage by the rule that the others choose;
    `undecided`: on so many the others choose none.
    """

    alarm: str
    tried: tuple[Trial, ...]
    chosen: Trial | None = None
    refusal: str = ""
    left_out: Tally = field(default_factory=Tally)
    undecided: int = 0

    @property
    def today(self) -> Trial:
        return self.tried[0]


def sweep(alarm: str, today: RuleSettings, spec: AlarmSpec, footage: Sequence[Footage], step: Step) -> list[Trial]:
    """Try a grid of rules for an alarm, that of `today` first. `step` is told how far it is."""
    grid = [today, *_grid(alarm, today, spec, footage)]
    trials = []
    for number, settings in enumerate(grid):
        trials.append(Trial(settings, tuple(_tally(alarm, settings, each) for each in footage)))
        step(number + 1, len(grid))
    return trials


def choose(alarm: str, tried: Sequence[Trial], budget: Budget) -> Choice:
    """The rule that is shown to keep the budget and finds most; of these the quickest, then the least often false."""
    total = tried[0].total
    refusal = budget.refusal(total.normal_s)
    if not total.expected:
        refusal = "nothing of it is truly to be seen here, so what a rule finds cannot be told; add video that shows it"
    if refusal is not None:
        return Choice(alarm, tuple(tried), refusal=refusal)
    chosen = _best([(trial, trial.total) for trial in tried], budget)
    if chosen is None:
        return Choice(alarm, tuple(tried), refusal=_why_none(tried, budget))
    left_out, undecided = Tally(), 0
    for number in range(len(chosen.parts)):
        others = _best([(trial, trial.without(number)) for trial in tried], budget)
        if others is None:
            undecided += 1
        else:
            left_out += others.parts[number]
    return Choice(alarm, tuple(tried), chosen, left_out=left_out, undecided=undecided)


def told(choice: Choice) -> str:
    """What was chosen and what it gives, or why nothing was, in a sentence or two."""
    if choice.chosen is None:
        return f"{choice.alarm}: no rule is chosen: {choice.refusal}"
    settings, total, held_out = choice.chosen.settings, choice.chosen.total, choice.left_out
    rule = f"threshold {settings.threshold:g}, window {settings.window_s:g} s, share {settings.share:g}"
    gives = f"finds {total.found} of {total.expected}, {total.false} false, at most {bound(total):.0f} a day"
    unjudged = f" ({choice.undecided} without a rule)" if choice.undecided else ""
    return (
        f"{choice.alarm}: {rule}: {gives}. Chosen and judged on the same video, that is optimistic: each piece judged "
        f"by the rule that the others choose{unjudged}, {held_out.found} of {held_out.expected} are found, "
        f"{held_out.false} false{_doubt(total, held_out)}"
    )


def _doubt(total: Tally, held_out: Tally) -> str:
    """What a rule is worth that does much worse on what it was not chosen on."""
    if total.found and held_out.found * total.expected * 2 < total.found * held_out.expected:
        return ". Do not rely on it: what it finds it finds because it was chosen so; collect more of it"
    return ""


def frontier(trials: Iterable[Trial]) -> list[Trial]:
    """The rules that no other one beats in both false alarms and what is found, the least often false first."""
    best: list[Trial] = []
    for trial in sorted(trials, key=lambda each: (each.total.false, -each.total.found, each.total.delay_s or 0.0)):
        if not best or trial.total.found > best[-1].total.found:
            best.append(trial)
    return best


def _tally(alarm: str, settings: RuleSettings, footage: Footage) -> Tally:
    raised = [
        each
        for target, evidence in footage.evidence.items()
        if target.alarm == alarm
        for each in alarms(evidence, footage.rule(target, settings))
    ]
    return footage.tally(alarm, raised)


def _best(tallies: Sequence[tuple[Trial, Tally]], budget: Budget) -> Trial | None:
    """Of rules with their counts: the best that keeps the budget and finds anything."""
    rated = [
        ((-tally.found, math.inf if tally.delay_s is None else round(tally.delay_s, 3), tally.false), trial)
        for trial, tally in tallies
        if tally.found and budget.shown(tally)
    ]
    if not rated:
        return None
    top = min(rating for rating, _ in rated)
    equal = [trial for rating, trial in rated if rating == top]
    # In the middle of what is equal here: at its edges it is some clip's own score that decides.
    middle = median_low([trial.settings.threshold for trial in equal])
    return next(trial for trial in equal if trial.settings.threshold == middle)


def _why_none(tried: Sequence[Trial], budget: Budget) -> str:
    finding = [trial for trial in tried if trial.total.found]
    if not finding:
        return f"none of {len(tried)} rules finds anything; train with more pictures of it"
    nearest = min(finding, key=lambda trial: (bound(trial.total), -trial.total.found)).total
    return (
        f"none of {len(tried)} rules that find anything is shown to keep {budget.text}: the nearest raises "
        f"{nearest.false} false alarms, at most {bound(nearest):.0f} a day, and finds {nearest.found} of "
        f"{nearest.expected}"
    )


def _grid(alarm: str, today: RuleSettings, spec: AlarmSpec, footage: Sequence[Footage]) -> list[RuleSettings]:
    shares = sorted({*SHARES, today.share})
    # The slowest camera must have looks enough in the window.
    period_s = max((_period_s(each) for each in footage), default=0.0)
    least_s = (today.min_looks - 1) * period_s + _ROUNDING_S
    windows_s = [each for each in sorted({*WINDOWS_S, today.window_s}) if each > least_s]
    return [
        replace(
            today,
            threshold=threshold,
            mean_threshold=threshold,
            low_threshold=HYSTERESIS * threshold,
            window_s=window_s,
            share=share,
        )
        for threshold, window_s, share in product(_thresholds(alarm, today, spec, footage), windows_s, shares)
    ]


def _thresholds(alarm: str, today: RuleSettings, spec: AlarmSpec, footage: Sequence[Footage]) -> list[float]:
    """Today's, and where the scores lie, in thousandths; none over what any picture of validation reached."""
    true, normal = _scores(alarm, footage)
    most = _MOST if spec.reached is None else min(_MOST, math.floor(_STEPS * spec.reached) / _STEPS)
    share_over = max(_USELESS_SHARE, _CHEAP_LOOKS / max(1, len(normal)))
    of_normal = _upwards(normal, [each for each in _NORMAL_QUANTILES if each >= 1.0 - share_over])
    least = max(_LEAST, min(of_normal, default=0.0))
    values = [value for value in (*of_normal, *_upwards(true, _TRUE_QUANTILES)) if value >= least]
    return sorted({min(value, most) for value in (*values, today.threshold)})


def _scores(alarm: str, footage: Sequence[Footage]) -> tuple[Scores, Scores]:
    """The scores of an alarm within its true intervals, and outside of them while it was armed.

    Not of zones that go by a threshold of their own.
    """
    true, normal = [np.zeros(0)], [np.zeros(0)]
    for each in footage:
        for target, evidence in each.evidence.items():
            if target.alarm != alarm or _own_threshold(each, target):
                continue
            inside = np.zeros(len(evidence.times_s), np.bool_)
            for interval in each.truth.get(alarm, ()):
                inside |= (evidence.times_s >= interval.start_s) & (evidence.times_s <= interval.end_s)
            true.append(evidence.probabilities[inside])
            normal.append(evidence.probabilities[~inside & evidence.armed])
    return np.concatenate(true), np.concatenate(normal)


def _own_threshold(footage: Footage, target: Target) -> bool:
    return target.zone is not None and footage.zones[target.zone].threshold is not None


def _upwards(scores: Scores, quantiles: Sequence[float]) -> list[float]:
    """Quantiles in thousandths, rounded upwards: over the highest of normal scores none of them is left."""
    found: list[float] = (np.ceil(_STEPS * np.quantile(scores, quantiles)) / _STEPS).tolist() if len(scores) else []
    return found


def _period_s(footage: Footage) -> float:
    """The usual distance of two looks, in seconds."""
    periods = [float(np.median(np.diff(each.times_s))) for each in footage.evidence.values() if len(each.times_s) > 1]
    return max(periods, default=0.0)
