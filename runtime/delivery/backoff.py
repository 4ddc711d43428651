"""How long to wait before a sink is tried again: soon at first, rarely at last, never in step with other boxes."""

from __future__ import annotations

from collections.abc import Callable
from random import random

FIRST_S = 1.0
# A broker that is back after a night is found within this time.
LONGEST_S = 300.0
_LEAST_SHARE = 0.5


def pause_s(failures: int, chance: Callable[[], float] = random) -> float:
    """The pause after so many failures in a row, in seconds: doubling from 1 s up to 5 min, up to half of it by chance.

    `chance` gives a number in 0..1, equally likely.
    """
    # Bounded, for it is asked after weeks too.
    whole_s = min(LONGEST_S, FIRST_S * 2.0 ** min(failures - 1, 32))
    return whole_s * (1.0 - (1.0 - _LEAST_SHARE) * chance())
