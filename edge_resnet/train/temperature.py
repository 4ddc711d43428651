"""The softmax temperature that makes validation probabilities honest (Guo et al. 2017)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from edge_resnet.probability import softmax

# Outside of this the validation set is too small or too well separated to say anything.
_LOWEST, _HIGHEST = 0.25, 10.0
_TINY = 1e-12


def fit(logits: npt.NDArray[np.floating], truth: npt.NDArray[np.int64]) -> float:
    """The temperature with the least negative log likelihood on `logits` (N x C) and `truth` (N); 1 when N is 0."""
    if not len(truth):
        return 1.0
    found = minimize_scalar(
        lambda log_t: negative_log_likelihood(logits, truth, math.exp(log_t)),
        bounds=(math.log(_LOWEST), math.log(_HIGHEST)),
        method="bounded",
    )
    return math.exp(float(found.x))


def negative_log_likelihood(
    logits: npt.NDArray[np.floating], truth: npt.NDArray[np.int64], temperature: float = 1.0
) -> float:
    """Mean of -log of the probability given to the true class."""
    given = softmax(logits, temperature)[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(given, _TINY)).mean())
