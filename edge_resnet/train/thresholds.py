"""How sure the model must be before an alarm counts a look: chosen on validation for what the user wants.

A wish is a precision (of the pictures over the threshold, this share truly shows the alarm) or a false-alarm rate (of
the pictures that do not show it, at most this share is over the threshold). Of all thresholds that hold it on
validation the one with the most recall is taken. A wish that validation does not reach, or has too few pictures to
show, is refused with the reason, and the alarm keeps the threshold that it had: docs/decisions/0014-thresholds.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_resnet.errors import UserError
from edge_resnet.manifest import AlarmSpec, ModelSpec
from edge_resnet.probability import softmax, sum_of_classes
from edge_resnet.train.share import Share

# With no event among n, the true rate may still be up to about 3/n with 95% certainty (Hanley and Lippman-Hand 1983).
_RULE_OF_THREE = 3.0
# What is aimed at when nobody says what they want; it only ever raises a threshold.
_DEFAULT_RATE = 0.01
# A default that nobody asked for must not silence more than this share of what the alarm would have seen.
_DEFAULT_MAY_LOSE = 0.5

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Wish:
    """What every alarm shall hold on validation, 0..1 exclusive; both: both; none: the default false-alarm rate.

    Raises UserError for a share that is not between 0 and 1: neither never nor always can be shown by pictures.
    """

    precision: float | None = None
    false_alarm_rate: float | None = None

    def __post_init__(self) -> None:
        for name, share in (("--wanted-precision", self.precision), ("--false-alarm-rate", self.false_alarm_rate)):
            if share is not None and not 0.0 < share < 1.0:
                raise UserError(f"{name} {share:g}: must be over 0 and under 1, such as 0.95 or 0.01")

    @property
    def is_default(self) -> bool:
        """Whether the user wished for nothing."""
        return self.precision is None and self.false_alarm_rate is None

    @property
    def rate(self) -> float | None:
        """The false-alarm rate that is aimed at, the default's where nothing was wished."""
        return _DEFAULT_RATE if self.is_default else self.false_alarm_rate

    def __str__(self) -> str:
        parts = [] if self.precision is None else [f"precision at least {_percent(self.precision)}"]
        parts += [] if self.rate is None else [f"false-alarm rate at most {_percent(self.rate)}"]
        return " and ".join(parts) + (" (default)" if self.is_default else "")


@dataclass(frozen=True)
class AlarmFigures:
    """How an alarm does on pictures taken one by one, at its threshold.

    `precision`: of the pictures over it, those that show the alarm. `recall`: of the pictures that show it, those over
    it. `false_alarm_rate`: of all other pictures, those over it. `n`: all pictures.
    """

    precision: Share
    recall: Share
    false_alarm_rate: Share

    @property
    def n(self) -> int:
        return self.recall.n + self.false_alarm_rate.n

    def to_json(self) -> dict[str, Any]:
        """For report.json."""
        return {
            "n": self.n,
            "precision": self.precision.to_json(),
            "recall": self.recall.to_json(),
            "false_alarm_rate": self.false_alarm_rate.to_json(),
        }


@dataclass(frozen=True)
class AlarmChoice:
    """The threshold of one alarm, what it does on validation, and why the wish was `refused` (None: it is held)."""

    alarm: str
    threshold: float
    wish: Wish
    validation: AlarmFigures
    refused: str | None = None

    def to_json(self) -> dict[str, Any]:
        """For report.json."""
        return {
            "alarm": self.alarm,
            "threshold": self.threshold,
            "wish": str(self.wish),
            "wished_by_user": not self.wish.is_default,
            "refused": self.refused,
            "validation": self.validation.to_json(),
        }


class _Refusal(Exception):
    """Why a wish cannot be held."""


def choose(
    spec: ModelSpec, logits: npt.NDArray[np.floating], truth: npt.NDArray[np.int64], wish: Wish
) -> tuple[ModelSpec, tuple[AlarmChoice, ...]]:
    """Set `threshold`, `mean_threshold` and `reached` of every alarm of `spec`, and tell what was chosen.

    `logits`: N x C of the validation pictures, before the temperature, which `spec` has; `truth`: N class indices.
    Nothing is raised for a wish that cannot be held: see AlarmChoice.refused.
    """
    probabilities = softmax(logits, spec.temperature)
    alarms: dict[str, AlarmSpec] = {}
    choices = []
    for name, alarm in spec.alarms.items():
        curve = _curve(spec, name, probabilities, truth)
        reached = float(sum_of_classes(probabilities, spec.class_indices(name)).max())
        alarm = alarm.model_copy(update={"reached": reached})
        threshold, refused = alarm.threshold, None
        try:
            threshold = _threshold(name, curve, wish, alarm.threshold)
        except _Refusal as refusal:
            refused = str(refusal)
        else:
            alarm = alarm.model_copy(update={"threshold": threshold, "mean_threshold": threshold})
        alarms[name] = alarm
        choices.append(AlarmChoice(name, threshold, wish, curve.at(threshold), refused))
    return spec.model_copy(update={"alarms": alarms}), tuple(choices)


def measure(
    spec: ModelSpec, logits: npt.NDArray[np.floating], truth: npt.NDArray[np.int64]
) -> Mapping[str, AlarmFigures]:
    """Each alarm of `spec` at its threshold on other pictures: logits N x C before the temperature, truth N."""
    probabilities = softmax(logits, spec.temperature)
    return {name: _curve(spec, name, probabilities, truth).at(alarm.threshold) for name, alarm in spec.alarms.items()}


@dataclass(frozen=True)
class _Curve:
    """What every threshold of an alarm does. Scores, 0..1, sorted: of the pictures that show it, and of the others."""

    shown: Scores
    others: Scores

    def at(self, threshold: float) -> AlarmFigures:
        hits = len(self.shown) - int(np.searchsorted(self.shown, threshold))
        false = len(self.others) - int(np.searchsorted(self.others, threshold))
        return AlarmFigures(Share(hits, hits + false), Share(hits, len(self.shown)), Share(false, len(self.others)))

    def precisions(self, thresholds: Scores) -> Scores:
        """At thresholds that at least one picture reaches."""
        hits = len(self.shown) - np.searchsorted(self.shown, thresholds)
        false = len(self.others) - np.searchsorted(self.others, thresholds)
        return np.asarray(hits / (hits + false), np.float64)

    def rates(self, thresholds: Scores) -> Scores:
        """The false-alarm rates; 0 where there are no others."""
        false = len(self.others) - np.searchsorted(self.others, thresholds)
        return np.asarray(false / max(1, len(self.others)), np.float64)

    def under(self, lowest: float) -> float:
        """Halfway from the lowest score that counts down to the next that does not (0 where all count).

        A threshold that is a picture's own score would flip with the last bit of another engine's arithmetic.
        """
        scores = np.concatenate([self.shown, self.others])
        next_lower = float(scores.max(initial=0.0, where=scores < lowest))
        middle = (lowest + next_lower) / 2
        # Two scores may be neighbours among floats, with nothing between them.
        return middle if middle > next_lower else lowest


def _curve(spec: ModelSpec, alarm: str, probabilities: npt.NDArray[np.float64], truth: npt.NDArray[np.int64]) -> _Curve:
    classes = spec.class_indices(alarm)
    scores, shown = sum_of_classes(probabilities, classes), np.isin(truth, classes)
    return _Curve(np.sort(scores[shown]), np.sort(scores[~shown]))


def _threshold(alarm: str, curve: _Curve, wish: Wish, kept: float) -> float:
    """The threshold with the most recall that holds the wish; by default none under `kept`. Raises _Refusal."""
    _enough(alarm, curve, wish)
    before = curve.at(kept)
    if wish.is_default and (before.false_alarm_rate.value or 0.0) <= _DEFAULT_RATE:
        return kept
    # Only a picture of the alarm can be where recall changes.
    candidates = np.unique(curve.shown)
    held = candidates[_holds(curve, candidates, wish)]
    if not len(held):
        raise _Refusal(_unreached(alarm, curve, candidates, wish))
    # By default not under `kept` either: the false alarms that `kept` lets through lie between the two.
    found = curve.under(float(held[0]))
    if wish.is_default:
        _keeps_recall(alarm, found, before.recall, curve.at(found).recall)
    _shows_precision(curve.at(found), wish)
    return found


def _holds(curve: _Curve, thresholds: Scores, wish: Wish) -> npt.NDArray[np.bool_]:
    """Which thresholds hold the wish on validation."""
    held = np.ones(len(thresholds), np.bool_)
    if wish.precision is not None:
        held &= curve.precisions(thresholds) >= wish.precision
    if wish.rate is not None:
        held &= curve.rates(thresholds) <= wish.rate
    return held


def _enough(alarm: str, curve: _Curve, wish: Wish) -> None:
    """Raise _Refusal when validation has too few pictures to say anything on the wish."""
    others = len(curve.others)
    if not len(curve.shown):
        raise _Refusal(f"validation has no picture of {alarm}")
    if wish.rate is not None and others < (needed := _needed(wish.rate)):
        least = min(1.0, _RULE_OF_THREE / others) if others else 1.0
        raise _Refusal(
            f"only {others} validation pictures without {alarm}: a false-alarm rate under {least:.1%} cannot be shown "
            f"(rule of three); {needed} are needed"
        )


def _keeps_recall(alarm: str, threshold: float, before: Share, after: Share) -> None:
    """Raise _Refusal when a default would silence an alarm."""
    if after.part < _DEFAULT_MAY_LOSE * before.part:
        raise _Refusal(
            f"a threshold of {threshold:.3f} would hold it but see only {after.part} of {after.n} pictures of {alarm} "
            f"({before.part} now); it is not raised that far unless asked for"
        )


def _shows_precision(found: AlarmFigures, wish: Wish) -> None:
    """Raise _Refusal when so few pictures are over the threshold that even no mistake would not show the precision."""
    if wish.precision is not None and found.precision.n < (needed := _needed(1.0 - wish.precision)):
        raise _Refusal(
            f"only {found.precision.n} validation pictures lie over the threshold that would hold it; {needed} are "
            f"needed to show a precision of {_percent(wish.precision)} (rule of three)"
        )


def _percent(share: float) -> str:
    """A share as the user may have written it: 0.999 is not 100%."""
    return f"{100 * share:.4g}%"


def _needed(rate: float) -> int:
    """How many pictures without an event show a rate to be at most this."""
    # 3 / (1 - 0.95) is a hair over 60 in floats.
    return math.ceil(_RULE_OF_THREE / rate - 1e-6)


def _unreached(alarm: str, curve: _Curve, candidates: Scores, wish: Wish) -> str:
    """Why no threshold that a validation picture of the alarm reaches holds the wish."""
    surest = curve.at(float(candidates[-1]))
    if wish.rate is not None and (surest.false_alarm_rate.value or 0.0) > wish.rate:
        wrong = surest.false_alarm_rate
        return (
            f"no validation picture of {alarm} reaches it: {wrong.part} of {wrong.n} others score as high as the "
            f"surest of {alarm}"
        )
    precisions = curve.precisions(candidates)
    best = curve.at(float(candidates[precisions.argmax()])).precision
    return (
        f"no validation picture of {alarm} reaches it: the best precision of any threshold is {best} "
        f"({best.part} of {best.n} pictures)"
    )
