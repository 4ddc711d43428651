"""How far a network's confidence is from its accuracy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BINS = 15


@dataclass(frozen=True)
class Bin:
    """The `n` pictures whose confidence lies in (`low`, `high`]: their mean confidence, and the share that is right.

    Both are 0..1, and 0 when n is 0.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


def reliability_bins(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], bins: int = BINS
) -> tuple[Bin, ...]:
    """Confidence against accuracy, what a reliability diagram draws (DeGroot and Fienberg 1983).

    `probabilities`: N x C, `labels`: N class indices. A picture's confidence is its largest probability; `bins`
    intervals of equal width divide 0..1, each open below and closed above (Naeini et al. 2015; 15 bins and the
    intervals as in Guo et al. 2017).
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0.0, 1.0, bins + 1)
    places = np.digitize(confidence, edges[1:-1], right=True)
    counts = np.bincount(places, minlength=bins)
    means = [
        np.bincount(places, weights=values, minlength=bins) / np.maximum(counts, 1) for values in (confidence, right)
    ]
    return tuple(
        Bin(float(edges[place]), float(edges[place + 1]), int(counts[place]), *(float(mean[place]) for mean in means))
        for place in range(bins)
    )


def calibration_error(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], bins: int = BINS
) -> float:
    """Expected calibration error (ECE), 0..1: the mean gap between confidence and accuracy, weighted by pictures.

    `probabilities`: N x C, `labels`: N class indices, N at least 1; the bins are those of `reliability_bins`.
    """
    return expected_error(reliability_bins(probabilities, labels, bins))


def expected_error(bins: tuple[Bin, ...]) -> float:
    """The ECE that these bins make, 0..1; they must hold at least one picture."""
    return sum(each.n * abs(each.accuracy - each.confidence) for each in bins) / sum(each.n for each in bins)
