"""How many pictures it would take to tell: sample sizes for the comparisons that a report makes.

All for a two-sided test at 5% that finds a difference as large as the one seen in four cases of five (power 80%).
"""

from __future__ import annotations

import math
from statistics import NormalDist

_Z_ALPHA = NormalDist().inv_cdf(0.975)
_Z_POWER = NormalDist().inv_cdf(0.80)


def to_tell_apart(n: int, worse: int, better: int) -> int | None:
    """Pictures that McNemar's test needs, if two classifiers go on differing as on these `n` pictures.

    `worse`, `better`: pictures that only the first, and only the second, has right. None when neither is ahead. Formula
    of Miettinen (1968), as in Connor (1987, Biometrics 43:207).
    """
    differing, difference = (worse + better) / n, abs(better - worse) / n
    if difference == 0:
        return None
    spread = _Z_ALPHA * math.sqrt(differing) + _Z_POWER * math.sqrt(differing - difference**2)
    return math.ceil((spread / difference) ** 2)


def to_tell_from(share: float, other: float) -> int | None:
    """Pictures that show a share like the one seen to be another than a fixed `other`; None when they are equal.

    The normal approximation for one share (Fleiss, Levin and Paik 2003, section 2.4).
    """
    if share == other:
        return None
    spread = _Z_ALPHA * math.sqrt(other * (1 - other)) + _Z_POWER * math.sqrt(share * (1 - share))
    return math.ceil((spread / (share - other)) ** 2)


def to_narrow(share: float, half_width: float) -> int:
    """Pictures at which the 95% interval of a share is no wider than plus or minus `half_width` (0..1)."""
    return math.ceil(share * (1 - share) * (_Z_ALPHA / half_width) ** 2)
