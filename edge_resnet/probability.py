"""From logits to calibrated probabilities, and from classes to alarms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]


def softmax(logits: Floats, temperature: float = 1.0) -> npt.NDArray[np.float64]:
    """Probabilities over the last axis of `logits` / `temperature` (Guo et al. 2017, temperature scaling).

    `temperature` over 0; over 1 the probabilities become less sure. Computed in float64, the row's maximum taken off
    first, so that no logit overflows.
    """
    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float64)


def sum_of_classes(probabilities: npt.NDArray[np.float64], classes: Sequence[int]) -> npt.NDArray[np.float64]:
    """The probability of an alarm: that of its classes (indices on the last axis) added up, at most 1."""
    return np.asarray(np.minimum(probabilities[..., list(classes)].sum(axis=-1), 1.0), np.float64)
