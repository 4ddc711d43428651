"""Histograms with fixed edges, and the ranges that each method keeps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.int8.histogram import BINS, Extent, Histogram
from export.int8.thresholds import LEVELS, METHODS, SCHEMES, Method, Range, Scheme, curve, threshold


def histogram_of(values: npt.NDArray[np.float32]) -> Histogram:
    histogram = Histogram.empty(Extent(float(values.min()), float(values.max())))
    histogram.add(values)
    return histogram


@pytest.fixture(scope="module")
def relu() -> npt.NDArray[np.float32]:
    """What a ReLU gives: half zeros, a bell's half, and one outlier far away."""
    values = np.random.default_rng(0).normal(0, 1, 200_000).astype(np.float32)
    return np.append(np.maximum(values, 0), np.float32(12.0))


@pytest.fixture(scope="module")
def signed() -> npt.NDArray[np.float32]:
    return np.random.default_rng(1).normal(0.3, 1, 200_000).astype(np.float32)


def error(values: npt.NDArray[np.float32], kept: Range, scheme: Scheme) -> float:
    """The mean squared error of quantising and back, on the values themselves."""
    step = (kept.high - kept.low) / (LEVELS[scheme] - 1)
    given = kept.low + step * np.clip(np.rint((values - kept.low) / step), 0, LEVELS[scheme] - 1)
    return float(((values - given) ** 2).mean())


def test_every_value_is_counted_once_also_the_largest(signed: npt.NDArray[np.float32]) -> None:
    for values in (signed, np.abs(signed), np.zeros(10, np.float32), np.full(10, 7.0, np.float32)):
        histogram = histogram_of(values)
        assert histogram.counts.sum() == values.size
        assert histogram.signed == (values.min() < 0)
        assert len(histogram.edges) == BINS + 1


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_neither_order_nor_batches_change_a_count(parts: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    values = random.normal(0, 2, 500).astype(np.float32)
    whole = histogram_of(values)
    pieces = Histogram.empty(whole.extent)
    for part in np.array_split(random.permutation(values), parts):
        pieces.add(part)
    assert np.array_equal(whole.counts, pieces.counts)


def test_the_last_bits_of_a_float_do_not_move_an_edge() -> None:
    for value in (3.7, 11.3, 0.02):
        beside = float(np.nextafter(np.float32(value), np.float32(100)))
        assert Histogram.empty(Extent(0, value)).limit == Histogram.empty(Extent(0, beside)).limit


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_ranges_hold_zero_and_s8_is_symmetric(
    method: Method, scheme: Scheme, relu: npt.NDArray[np.float32], signed: npt.NDArray[np.float32]
) -> None:
    for values in (relu, signed, -np.abs(signed), np.zeros(9, np.float32)):
        kept = threshold(histogram_of(values), method, scheme)
        assert kept.low <= 0 < kept.high or (kept.low < 0 <= kept.high)
        if scheme == "s8":
            assert kept.low == -kept.high
    assert threshold(histogram_of(relu), method, "u8").low == 0


def test_minmax_keeps_everything(signed: npt.NDArray[np.float32]) -> None:
    assert threshold(histogram_of(signed), "minmax", "u8") == Range(float(signed.min()), float(signed.max()))


def test_entropy_and_percentile_do_not_pay_for_one_outlier(relu: npt.NDArray[np.float32]) -> None:
    histogram = histogram_of(relu)
    assert threshold(histogram, "minmax", "u8").high == 12
    for method in ("entropy", "percentile"):
        for scheme in SCHEMES:
            assert 2.5 < threshold(histogram, method, scheme).high < 6


def test_percentile_leaves_out_a_ten_thousandth(signed: npt.NDArray[np.float32]) -> None:
    kept = threshold(histogram_of(signed), "percentile", "u8")
    outside = ((signed < kept.low) | (signed > kept.high)).mean()
    assert outside == pytest.approx(1e-4, rel=0.3)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_mse_is_the_best_of_a_plain_search_on_the_values(scheme: Scheme, relu: npt.NDArray[np.float32]) -> None:
    chosen = error(relu, threshold(histogram_of(relu), "mse", scheme), scheme)
    tried = [Range(-high if scheme == "s8" else 0.0, high) for high in np.linspace(1, 12, 120)]
    assert chosen <= 1.02 * min(error(relu, kept, scheme) for kept in tried)


def test_the_best_range_depends_on_the_scheme(relu: npt.NDArray[np.float32]) -> None:
    """After a ReLU s8 has half the levels of u8, so it must clip more."""
    histogram = histogram_of(relu)
    assert threshold(histogram, "mse", "s8").high < threshold(histogram, "mse", "u8").high < 12


def test_the_curve_has_its_least_loss_at_the_chosen_range(relu: npt.NDArray[np.float32]) -> None:
    histogram = histogram_of(relu)
    for method in ("mse", "entropy"):
        high, _loss = min(curve(histogram, method, "u8"), key=lambda point: point[1])
        assert high == threshold(histogram, method, "u8").high
    assert list(curve(histogram, "minmax", "u8")) == []
