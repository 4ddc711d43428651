"""How sure a figure is: intervals for shares and for counts, and the paired comparison of two classifiers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

# Two-sided 95% and one-sided 95% points of the standard normal distribution.
_Z_TWO_SIDED = NormalDist().inv_cdf(0.975)
_Z_ONE_SIDED = NormalDist().inv_cdf(0.95)
_MAX_PICTURES = 10_000_000
# That a one-sided bound at 95% is wrong.
DOUBT = 0.05


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


def poisson(count: int) -> tuple[float, float]:
    """The exact two-sided 95% interval for the mean of a Poisson count (Garwood 1936): 0 to 3.69 for none."""
    return _poisson_lower(count, 0.025), poisson_upper(count, 0.025)


@lru_cache(maxsize=1024)
def poisson_upper(count: int, doubt: float = DOUBT) -> float:
    """The exact one-sided upper bound for the mean of a Poisson count: 3.00 for none, at 95%.

    With a larger mean so few would be counted with a probability under `doubt` (0..1).
    """
    return _root(lambda mean: poisson_tail(count, mean) - doubt, count)


def poisson_tail(count: int, mean: float) -> float:
    """The probability of at most `count` where `mean` (over 0, or 0) are expected."""
    if mean == 0.0:
        return 1.0
    # As logarithms, since mean^k and k! leave the range of floats long before their quotient does.
    terms = (k * math.log(mean) - mean - math.lgamma(k + 1) for k in range(count + 1))
    return min(1.0, math.fsum(math.exp(term) for term in terms))


def _poisson_lower(count: int, doubt: float) -> float:
    if count == 0:
        return 0.0
    return _root(lambda mean: doubt - (1.0 - poisson_tail(count - 1, mean)), count)


def _root(falling: Callable[[float], float], count: int) -> float:
    """Where a function of the mean falls through zero, near `count`."""
    low, high = 0.0, 2.0 * count + 20.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0.0 else (low, middle)
    return high
