"""How sure a figure is: intervals for shares, and the paired comparison of two classifiers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

# Two-sided 95% and one-sided 95% points of the standard normal distribution.
_Z_TWO_SIDED = NormalDist().inv_cdf(0.975)
_Z_ONE_SIDED = NormalDist().inv_cdf(0.95)
_MAX_PICTURES = 10_000_000


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Wilson's 95% interval for a share (Wilson 1927): bounds in 0..1; (0, 1) when n is 0."""
    if n == 0:
        return 0.0, 1.0
    z = _Z_TWO_SIDED
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def mcnemar(worse: int, better: int) -> float:
    """Two-sided p-value of McNemar's exact test on discordant pairs (binomial with one half)."""
    discordant = worse + better
    tail = sum(math.comb(discordant, k) for k in range(min(worse, better) + 1)) / (1 << discordant)
    return min(1.0, 2 * tail)


@dataclass(frozen=True)
class PairedDrop:
    """The accuracy lost between two classifiers on the same `n` pictures.

    `worse`: pictures that only the first has right; `better`: that only the second has right.
    `drop`: (worse - better) / n. `lower`, `upper`: its one-sided 95% bounds. `p_value`: McNemar's exact test.
    """

    n: int
    worse: int
    better: int

    @property
    def drop(self) -> float:
        return (self.worse - self.better) / self.n

    @property
    def upper(self) -> float:
        return _upper_bound(self.n, self.worse, self.better)

    @property
    def lower(self) -> float:
        return -_upper_bound(self.n, self.better, self.worse)

    @property
    def p_value(self) -> float:
        return mcnemar(self.worse, self.better)

    def pictures_to_decide(self, margin: float) -> int | None:
        """How many pictures would show the drop to be under `margin` (0..1), if flips go on at today's rate.

        About 600 for half a percentage point when nothing flipped. None when the drop seen is not under the margin.
        """
        if self.drop >= margin:
            return None
        low, high = 1, _MAX_PICTURES
        while low < high:
            middle = (low + high) // 2
            if _upper_bound(middle, self.worse * middle / self.n, self.better * middle / self.n) <= margin:
                high = middle
            else:
                low = middle + 1
        return low if low < _MAX_PICTURES else None


def _upper_bound(n: int, worse: float, better: float) -> float:
    """One-sided 95% upper bound of (worse - better) / n.

    Tango's score bound for paired shares (Tango 1998, Statistics in Medicine 17:891), but with no flip at all the exact
    binomial bound 1 - 0.05^(1/n), since the score bound is too bold there.
    """
    if worse + better == 0:
        return 1.0 - math.exp(math.log(0.05) / n)
    low, high = (worse - better) / n, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _tango_score(n, worse, better, middle) < -_Z_ONE_SIDED:
            high = middle
        else:
            low = middle
    return high


def _tango_score(n: int, worse: float, better: float, drop: float) -> float:
    """Tango's score statistic for the hypothesis that the true drop is `drop`."""
    a = 2 * n
    b = -worse - better + (2 * n - worse + better) * drop
    c = -better * drop * (1 - drop)
    share_better = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
    variance = n * (2 * share_better + drop * (1 - drop))
    return (worse - better - n * drop) / math.sqrt(variance) if variance > 0 else 0.0
