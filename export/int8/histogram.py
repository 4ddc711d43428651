"""How a tensor's values are distributed: counts in bins whose edges are fixed before the first value is counted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

BINS = 2048
# Mantissa of an edge: coarse enough that the last bits of a sum, which change with the batch, do not move it.
_EDGE_BITS = 10

Floats = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Extent:
    """The smallest and the largest value seen of a tensor."""

    low: float
    high: float

    def joined(self, other: Extent) -> Extent:
        """The extent of both together."""
        return Extent(min(self.low, other.low), max(self.high, other.high))

    @property
    def signed(self) -> bool:
        """Whether there are values under zero (what a ReLU gives has none)."""
        return self.low < 0


@dataclass(frozen=True)
class Histogram:
    """`counts`: 2,048 bins of equal width from 0 to `limit` if not `signed`, else from -`limit` to `limit`.

    Counts only add up, and edges never move, so neither the order of pictures nor their batches change anything.
    """

    extent: Extent
    limit: float
    signed: bool
    counts: Counts

    @classmethod
    def empty(cls, extent: Extent) -> Histogram:
        """Bins that hold every value of `extent`; the limit is rounded up a little (see _EDGE_BITS)."""
        largest = max(abs(extent.low), abs(extent.high), 1e-6)
        mantissa, exponent = math.frexp(largest)
        steps = 1 << _EDGE_BITS
        limit = math.ldexp((math.floor(mantissa * steps) + 1) / steps, exponent)
        return cls(extent, limit, extent.signed, np.zeros(BINS, np.int64))

    def add(self, values: Floats) -> None:
        """Count all of `values` (any shape)."""
        flat = np.ascontiguousarray(values, np.float32).reshape(-1, 1)
        low = -self.limit if self.signed else 0.0
        counted = cv2.calcHist([flat], [0], None, [BINS], [low, self.limit])
        self.counts[:] += counted.reshape(-1).astype(np.int64)

    @property
    def edges(self) -> npt.NDArray[np.float64]:
        """The 2,049 edges of the bins."""
        return np.linspace(-self.limit if self.signed else 0.0, self.limit, BINS + 1)

    @property
    def centres(self) -> npt.NDArray[np.float64]:
        """The 2,048 centres of the bins."""
        edges = self.edges
        return np.asarray((edges[:-1] + edges[1:]) / 2, np.float64)

    def quantile(self, share: float) -> float:
        """The value under which `share` (0..1) of the values lie, to the width of a bin."""
        total = np.cumsum(self.counts)
        position = int(np.searchsorted(total, share * total[-1]))
        return float(self.edges[min(position + 1, BINS)])
