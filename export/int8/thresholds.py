"""Where to clip a tensor's values before they become eight bits: four methods, for the two INT8 schemes.

`u8` maps a range from `low` to `high`, with zero in it, to 0..255; `s8` maps -t..t to -127..127. The best range depends
on the scheme: after a ReLU, u8 has twice as many levels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from export.int8.histogram import Histogram

Method = Literal["entropy", "percentile", "mse", "minmax"]
Scheme = Literal["u8", "s8"]
METHODS: tuple[Method, ...] = get_args(Method)
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)

LEVELS: dict[Scheme, int] = {"u8": 256, "s8": 255}
# Of Wu et al. 2020 (arXiv 2004.09602), the percentile that held ResNet-50 best.
PERCENTILE = 0.9999
# Ranges that are tried: from a sixteenth of the largest value up.
_TRIED = np.linspace(1 / 16, 1.0, 121)

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Range:
    """The values that keep their meaning, from `low` (never over zero) to `high`; what is outside is clipped."""

    low: float
    high: float


def threshold(histogram: Histogram, method: Method, scheme: Scheme) -> Range:
    """The range that `method` chooses for a tensor in a scheme."""
    return _CHOOSE[method](histogram, scheme)


def _minmax(histogram: Histogram, scheme: Scheme) -> Range:
    return _scaled(histogram, scheme, 1.0)


def _percentile(histogram: Histogram, scheme: Scheme) -> Range:
    """The range that leaves out a ten-thousandth of the values, for u8 half of it at either end of a signed tensor."""
    outside = 1 - PERCENTILE
    if not histogram.signed:
        high = histogram.quantile(PERCENTILE)
        return Range(-high if scheme == "s8" else 0.0, high)
    low, high = histogram.quantile(outside / 2), histogram.quantile(1 - outside / 2)
    if scheme == "u8":
        return Range(min(low, 0.0), max(high, 0.0))
    largest = max(-low, high)
    return Range(-largest, largest)


def _entropy(histogram: Histogram, scheme: Scheme) -> Range:
    """The range whose quantised distribution tells most of the real one: least KL divergence (Migacz, GTC 2017)."""
    return _least(histogram, scheme, _kl_divergence)


def _mse(histogram: Histogram, scheme: Scheme) -> Range:
    """The range with the least mean squared error of values, clipped ones included."""
    return _least(histogram, scheme, _squared_error)


_CHOOSE: dict[Method, Callable[[Histogram, Scheme], Range]] = {
    "entropy": _entropy,
    "percentile": _percentile,
    "mse": _mse,
    "minmax": _minmax,
}


def curve(histogram: Histogram, method: Method, scheme: Scheme) -> Iterator[tuple[float, float]]:
    """(high end, loss) of each range tried, for plots; nothing for the methods that do not search."""
    loss = {"entropy": _kl_divergence, "mse": _squared_error}.get(method)
    if loss is not None:
        for tried in _ranges(histogram, scheme):
            yield tried.high, loss(histogram, tried, LEVELS[scheme])


def _least(histogram: Histogram, scheme: Scheme, loss: Callable[[Histogram, Range, int], float]) -> Range:
    tried = list(_ranges(histogram, scheme))
    losses = [loss(histogram, each, LEVELS[scheme]) for each in tried]
    # Of equal losses the widest range: it clips least.
    best = min(range(len(tried)), key=lambda index: (losses[index], -index))
    return tried[best]


def _ranges(histogram: Histogram, scheme: Scheme) -> Iterator[Range]:
    for part in _TRIED:
        yield _scaled(histogram, scheme, float(part))


def _scaled(histogram: Histogram, scheme: Scheme, part: float) -> Range:
    """`part` (0..1] of everything seen; for s8 the same on either side of zero."""
    extent = histogram.extent
    low, high = min(part * extent.low, 0.0), max(part * extent.high, 1e-6)
    if scheme == "u8":
        return Range(low, high)
    largest = max(-low, high)
    return Range(-largest, largest)


def _levels_of(histogram: Histogram, tried: Range, levels: int) -> npt.NDArray[np.int64]:
    """The level, 0..levels - 1, that each bin's centre is rounded to."""
    step = (tried.high - tried.low) / (levels - 1)
    return np.clip(np.rint((histogram.centres - tried.low) / step), 0, levels - 1).astype(np.int64)


def _squared_error(histogram: Histogram, tried: Range, levels: int) -> float:
    step = (tried.high - tried.low) / (levels - 1)
    given = tried.low + step * _levels_of(histogram, tried, levels)
    return float((histogram.counts * (histogram.centres - given) ** 2).sum() / histogram.counts.sum())


def _kl_divergence(histogram: Histogram, tried: Range, levels: int) -> float:
    """KL(real || quantised) in nats over the bins inside the range.

    What is clipped is counted in the outermost bins of the real distribution and not in the quantised one, which so
    pays for it. Each level spreads its counts evenly over its bins that are not empty.
    """
    counts = histogram.counts.astype(np.float64)
    if not histogram.signed:
        # A ReLU gives zeros by the million; zero has a level of its own in any range, so they say nothing.
        counts[0] = counts[1]
    inside = (histogram.centres >= tried.low) & (histogram.centres <= tried.high)
    first, last = int(np.argmax(inside)), len(inside) - 1 - int(np.argmax(inside[::-1]))
    real, kept = counts[first : last + 1].copy(), counts[first : last + 1]
    real[0] += counts[:first].sum()
    real[-1] += counts[last + 1 :].sum()
    level = _levels_of(histogram, tried, levels)[first : last + 1]
    filled = kept > 0
    mass = np.bincount(level, weights=kept, minlength=levels)
    bins = np.bincount(level, weights=filled, minlength=levels)
    spread = np.where(filled, mass[level] / np.maximum(bins[level], 1), 0.0)
    return _divergence(real, spread)


def _divergence(real: Doubles, given: Doubles) -> float:
    """KL divergence of two histograms; infinite where only the real one has counts."""
    there = real > 0
    if not given.any() or (given[there] == 0).any():
        return np.inf
    p, q = real[there] / real.sum(), given[there] / given.sum()
    return float((p * np.log(p / q)).sum())
