"""Weights by channel, and scales of values."""

from __future__ import annotations

import numpy as np
import pytest

from export.int8.quantise import FULL_RANGE, REDUCED_RANGE, Scale, quantise_weights
from export.int8.thresholds import Range


@pytest.mark.parametrize("largest", [FULL_RANGE, REDUCED_RANGE])
def test_each_channel_has_its_own_scale_and_half_a_step_of_error(largest: int) -> None:
    weights = np.random.default_rng(0).normal(0, 1, (8, 4, 3, 3)).astype(np.float32)
    weights *= np.logspace(-4, 2, 8, dtype=np.float32)[:, None, None, None]
    quantised = quantise_weights(weights, largest)
    assert quantised.values.dtype == np.int8
    assert np.abs(quantised.values).max(axis=(1, 2, 3)).tolist() == [largest] * 8
    scale = quantised.scale[:, None, None, None]
    assert (np.abs(quantised.values * scale - weights) <= 0.501 * scale).all()


def test_a_dead_channel_stays_zero() -> None:
    weights = np.zeros((2, 1, 1, 1), np.float32)
    weights[0] = 3
    quantised = quantise_weights(weights, FULL_RANGE)
    assert quantised.values.ravel().tolist() == [127, 0]
    assert (quantised.scale > 0).all()


def test_zero_has_a_level_of_its_own() -> None:
    for kept in (Range(0.0, 6.0), Range(-2.118, 2.64), Range(-1e-6, 3.0)):
        scale = Scale.unsigned(kept)
        assert 0 <= scale.zero_point <= 255
        assert round(kept.high / scale.scale) + scale.zero_point == pytest.approx(255, abs=1)
    assert Scale.unsigned(Range(0.0, 6.0)).zero_point == 0
    assert Scale.symmetric(Range(-2.54, 2.54)) == Scale(pytest.approx(0.02), 0, np.int8)
