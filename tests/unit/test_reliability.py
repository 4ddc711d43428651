"""Calibration error: that of a network that knows how sure it may be, and of one that does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from edge_resnet.reliability import BINS, calibration_error


def test_a_network_that_is_right_as_often_as_it_says_has_none() -> None:
    probabilities = np.tile([0.8, 0.2], (10, 1))
    labels = np.array([0] * 8 + [1] * 2)
    assert calibration_error(probabilities, labels) == pytest.approx(0.0)
    assert calibration_error(probabilities, np.zeros(10, int)) == pytest.approx(0.2)
    # Too sure counts as too modest does.
    assert calibration_error(probabilities, np.ones(10, int)) == pytest.approx(0.8)


def test_gaps_of_one_bin_cancel_and_of_two_bins_add_up() -> None:
    probabilities = np.array([[0.61, 0.39], [0.65, 0.35], [0.95, 0.05], [0.95, 0.05]])
    labels = np.array([0, 1, 1, 0])
    assert calibration_error(probabilities, labels) == pytest.approx(0.5 * 0.13 + 0.5 * 0.45)


def test_it_is_the_one_of_torchmetrics() -> None:
    random = np.random.default_rng(3)
    logits = random.normal(0, 2, (500, 4))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = random.integers(0, 4, 500)
    theirs = multiclass_calibration_error(
        torch.from_numpy(probabilities), torch.from_numpy(labels), num_classes=4, n_bins=BINS, norm="l1"
    )
    assert calibration_error(probabilities, labels) == pytest.approx(float(theirs), abs=1e-6)


def test_full_confidence_falls_into_the_last_bin() -> None:
    assert calibration_error(np.array([[1.0, 0.0]]), np.array([0])) == 0.0
    assert calibration_error(np.array([[1.0, 0.0]]), np.array([1])) == 1.0


def test_a_bin_is_closed_above() -> None:
    probabilities = np.array([[0.5, 0.3, 0.2], [0.4, 0.3, 0.3], [0.75, 0.25, 0.0]])
    # Wrong at 0.5 and right at 0.4 are of one bin and nearly cancel.
    assert calibration_error(probabilities, np.array([1, 0, 0]), bins=2) == pytest.approx((0.1 + 0.25) / 3)
