"""How far a network's confidence is from its accuracy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BINS = 15


def calibration_error(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], bins: int = BINS
) -> float:
    """Expected calibration error (ECE), 0..1: the mean gap between confidence and accuracy, weighted by pictures.

    `probabilities`: N x C, `labels`: N class indices, N at least 1. A picture's confidence is its largest probability;
    `bins` intervals of equal width divide 0..1, each open below and closed above (Naeini et al. 2015; 15 bins and the
    intervals as in Guo et al. 2017).
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0.0, 1.0, bins + 1)
    places = np.digitize(confidence, edges[1:-1], right=True)
    gaps = np.zeros(bins)
    np.add.at(gaps, places, right - confidence)
    return float(np.abs(gaps).sum() / len(labels))
