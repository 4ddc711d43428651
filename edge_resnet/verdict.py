"""Whether a candidate's answers are still the reference's: one table of gates, and the figures beside it.

Numerical gates and point agreement decide pass or fail. Accuracy decides only where a drop over the margin is refuted,
that is proven; a drop that the pictures cannot decide passes, and the figures say how many pictures would decide.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edge_resnet.probability import softmax
from edge_resnet.reliability import calibration_error
from edge_resnet.statistics import PairedDrop, wilson

# Half a percentage point of accuracy: what a deployment may cost.
DEFAULT_MARGIN = 0.005

Logits = npt.NDArray[np.floating]
Labels = npt.NDArray[np.integer]
Rights = npt.NDArray[np.bool_]
NonInferiority = Literal["shown", "undecided", "refuted"]


@dataclass(frozen=True)
class Gates:
    """What a precision must hold; None where it is not asked.

    `difference`: the largest |d logit|; with `relative`, times max(1, the reference's largest |logit|). `cosine`: the
    mean over pictures of the cosine between logits. `agreement`: the share of equal top-1. `pardoned_ties`: how many
    pictures may change sides all the same when they are ties, that is when the reference's top-2 margin is under twice
    the allowed difference (so that one tie among a hundred pictures is no verdict). `kl_nats`: the mean KL divergence.
    """

    difference: float | None = None
    relative: bool = False
    cosine: float | None = None
    agreement: float | None = None
    pardoned_ties: float = 0
    kl_nats: float | None = None

    def allowed_difference(self, max_logit: float) -> float:
        """The largest |d logit| allowed, infinite where it is not asked."""
        if self.difference is None:
            return math.inf
        return self.difference * (max(1.0, max_logit) if self.relative else 1.0)


GATES = {
    "fp32": Gates(difference=1e-3, agreement=1.0, pardoned_ties=math.inf),
    "fp16": Gates(difference=2e-3, relative=True, cosine=0.9999, agreement=0.995, pardoned_ties=1),
    # Eight bits of mantissa; the answer must be far closer than INT8's for all that.
    "bf16": Gates(cosine=0.999, kl_nats=0.01),
    "int8": Gates(cosine=0.99, kl_nats=0.02),
}
# For precisions without a gate on the difference: how far the mean of the map may be from the logits, relatively.
_MAP_DIFFERENCE = 2e-3


@dataclass(frozen=True)
class AccuracyDrop:
    """Accuracy of both on labelled pictures, and whether the candidate is not worse by more than `margin` (0..1).

    `upper`, `lower`: one-sided 95% bounds of the paired drop. `p_value`: McNemar's exact test. `pictures_to_decide`:
    how many pictures would show it, if undecided and if any number would.
    """

    reference: float
    candidate: float
    drop: float
    lower: float
    upper: float
    p_value: float
    margin: float
    non_inferiority: NonInferiority
    pictures_to_decide: int | None


@dataclass(frozen=True)
class Flip:
    """`pictures` that went from the reference's top-1 to another of the candidate, `of` so many with that reference.

    `reference`, `candidate`: class indices.
    """

    reference: int
    candidate: int
    pictures: int
    of: int


@dataclass(frozen=True)
class CalibrationShift:
    """Expected calibration error (see edge_resnet.reliability), 0..1, of both at the bundle's temperature."""

    reference: float
    candidate: float


@dataclass(frozen=True)
class Figures:
    """How far a candidate is from the reference on `n` pictures.

    `max_logit`: the reference's largest |logit|. `max_difference`: the largest |d logit|. `cosine`: between logits, the
    mean over pictures, and `min_cosine` the worst picture; the mean is the gate, since a picture whose logits are all
    about zero has no direction to keep. `agreement`: the share of equal top-1, with Wilson's 95% interval; `changed`:
    pictures with another top-1, of which `ties` are ties (see Gates). `kl_nats`: mean KL(reference || candidate).
    `map_difference`: the largest |logits - mean of the class activation map|, None when no map was compared.
    """

    n: int
    max_logit: float
    max_difference: float
    cosine: float
    min_cosine: float
    agreement: float
    agreement_interval: tuple[float, float]
    changed: int
    ties: int
    kl_nats: float
    map_difference: float | None


@dataclass(frozen=True)
class Verdict:
    """What was found of one candidate: its figures, and the gates it failed, each told in a phrase.

    `figures` is None when the logits were not finite, `accuracy` and `calibration` without labels. `flips`: the most
    frequent first.
    """

    precision: str
    figures: Figures | None
    accuracy: AccuracyDrop | None
    failures: tuple[str, ...]
    flips: tuple[Flip, ...] = ()
    calibration: CalibrationShift | None = None

    @property
    def passed(self) -> bool:
        return not self.failures

    def to_json(self) -> dict[str, Any]:
        """Everything, as types of JSON."""
        return {
            **({} if self.figures is None else asdict(self.figures)),
            "accuracy": None if self.accuracy is None else asdict(self.accuracy),
            "calibration": None if self.calibration is None else asdict(self.calibration),
            "flips": [asdict(flip) for flip in self.flips],
            "failures": list(self.failures),
        }


def judge(
    precision: str,
    reference: Logits,
    candidate: Logits,
    *,
    map_means: Logits | None = None,
    labels: Labels | None = None,
    margin: float = DEFAULT_MARGIN,
    temperature: float = 1.0,
) -> Verdict:
    """Judge `candidate` against `reference` (both N x C logits, N at least 1) by the gates of `precision`.

    `map_means`: N x C, the candidate's class activation map averaged over its places. `labels`: N class indices.
    `temperature`: of the softmax whose probabilities people see.
    """
    for name, logits in (("reference", reference), ("candidate", candidate)):
        if not np.isfinite(logits).all():
            return Verdict(precision, None, None, (f"the {name}'s logits are not finite (they overflow)",))
    gates = GATES[precision]
    figures = _measure(gates, np.asarray(reference, np.float64), np.asarray(candidate, np.float64), map_means)
    accuracy = calibration = None
    if labels is not None:
        accuracy = accuracy_drop(reference.argmax(1) == labels, candidate.argmax(1) == labels, margin)
        calibration = CalibrationShift(
            *(calibration_error(softmax(logits, temperature), labels) for logits in (reference, candidate))
        )
    failures = tuple(_failed_gates(gates, figures))
    if accuracy is not None and accuracy.non_inferiority == "refuted":
        failures += (f"accuracy dropped by {100 * accuracy.drop:.2f} pp, provably over {100 * margin:.2g} pp",)
    return Verdict(precision, figures, accuracy, failures, _flips(reference, candidate), calibration)


def accuracy_drop(reference_right: Rights, candidate_right: Rights, margin: float = DEFAULT_MARGIN) -> AccuracyDrop:
    """Compare two classifiers on the same N pictures, given which each has right (N booleans, N at least 1)."""
    worse = int((reference_right & ~candidate_right).sum())
    better = int((candidate_right & ~reference_right).sum())
    paired = PairedDrop(len(reference_right), worse, better)
    lower, upper = paired.lower, paired.upper
    verdict: NonInferiority = "shown" if upper <= margin else "refuted" if lower > margin else "undecided"
    return AccuracyDrop(
        reference=float(reference_right.mean()),
        candidate=float(candidate_right.mean()),
        drop=paired.drop,
        lower=lower,
        upper=upper,
        p_value=paired.p_value,
        margin=margin,
        non_inferiority=verdict,
        pictures_to_decide=paired.pictures_to_decide(margin) if verdict == "undecided" else None,
    )


def _flips(reference: Logits, candidate: Logits) -> tuple[Flip, ...]:
    """How many pictures went from which class to which."""
    before, after = reference.argmax(1).tolist(), candidate.argmax(1).tolist()
    of = Counter(before)
    pairs = Counter((old, new) for old, new in zip(before, after, strict=True) if old != new)
    ordered = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Flip(old, new, pictures, of[old]) for (old, new), pictures in ordered)


def _measure(gates: Gates, reference: Logits, candidate: Logits, map_means: Logits | None) -> Figures:
    n = len(reference)
    max_logit = float(np.abs(reference).max())
    changed = reference.argmax(1) != candidate.argmax(1)
    top = np.sort(reference, axis=1)
    tie = top[:, -1] - top[:, -2] < 2 * gates.allowed_difference(max_logit)
    cosines = _cosines(reference, candidate)
    equal = n - int(changed.sum())
    return Figures(
        n=n,
        max_logit=max_logit,
        max_difference=float(np.abs(candidate - reference).max()),
        cosine=float(cosines.mean()),
        min_cosine=float(cosines.min()),
        agreement=equal / n,
        agreement_interval=wilson(equal, n),
        changed=n - equal,
        ties=int((changed & tie).sum()) if gates.difference is not None else 0,
        kl_nats=_mean_kl(reference, candidate),
        map_difference=None if map_means is None else float(np.abs(map_means - candidate).max()),
    )


def _failed_gates(gates: Gates, figures: Figures) -> Iterator[str]:
    allowed = gates.allowed_difference(figures.max_logit)
    if figures.max_difference > allowed:
        yield f"largest |d logit| {figures.max_difference:.2g} is over {allowed:.2g}"
    if gates.cosine is not None and figures.cosine < gates.cosine:
        yield f"cosine {figures.cosine:.6f} is under {gates.cosine}"
    if gates.kl_nats is not None and figures.kl_nats > gates.kl_nats:
        yield f"KL divergence {figures.kl_nats:.2g} nats is over {gates.kl_nats}"
    if gates.agreement is not None:
        allowed_changes = max((1 - gates.agreement) * figures.n, min(figures.ties, gates.pardoned_ties))
        if figures.changed > allowed_changes:
            yield f"{figures.changed} of {figures.n} pictures changed sides"
    map_allowed = min(allowed, _MAP_DIFFERENCE * max(1.0, figures.max_logit))
    if figures.map_difference is not None and figures.map_difference > map_allowed:
        yield f"the map's mean is {figures.map_difference:.2g} off the logits, over {map_allowed:.2g}"


def _cosines(reference: Logits, candidate: Logits) -> npt.NDArray[np.float64]:
    """N cosines between rows; 1 where both rows are zero."""
    lengths = np.linalg.norm(reference, axis=1) * np.linalg.norm(candidate, axis=1)
    products = (reference * candidate).sum(1)
    both_zero = ~reference.any(1) & ~candidate.any(1)
    return np.where(both_zero, 1.0, products / np.where(lengths > 0, lengths, 1.0))


def _mean_kl(reference: Logits, candidate: Logits) -> float:
    """Mean over rows of KL(softmax(reference) || softmax(candidate)), in nats."""
    wanted = softmax(reference)
    shift = (reference - candidate) - (_log_sum_exp(reference) - _log_sum_exp(candidate))
    return float((wanted * shift).sum(1).mean())


def _log_sum_exp(logits: Logits) -> npt.NDArray[np.float64]:
    """N x 1: the logarithm of softmax's denominator, with the maximum taken off so that nothing overflows."""
    largest = logits.max(1, keepdims=True)
    return np.asarray(largest + np.log(np.exp(logits - largest).sum(1, keepdims=True)), np.float64)
