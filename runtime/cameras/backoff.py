"""When to try a camera again: often at first, for most outages are short; rarely after that, for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import random

# A camera that restarts is back within a minute or two, and somebody waits for it; a dead one need not be hammered.
FAST_S = 2.0
FAST_FOR_S = 600.0
SLOWEST_S = 60.0
# The first attempt after a loss: often only the connection broke.
FIRST_S = 0.3
# Cameras that went down together (a switch, a power cut) must not come back in step.
_LEAST_SHARE = 0.5


@dataclass
class Backoff:
    """The pauses between attempts. `chance` gives a number in 0..1, equally likely."""

    chance: Callable[[], float] = random
    _since_s: float | None = field(default=None, init=False)
    _pause_s: float = field(default=FAST_S, init=False)

    def failed(self, now_s: float) -> float:
        """An attempt failed, or a connection broke, at `now_s`: the pause before the next attempt, in seconds.

        At most 2 s for 10 minutes of an outage, then doubling to at most 60 s; half of it is left to chance.
        """
        share = _LEAST_SHARE + (1.0 - _LEAST_SHARE) * self.chance()
        if self._since_s is None:
            self._since_s = now_s
            return FIRST_S * share
        if now_s - self._since_s > FAST_FOR_S:
            self._pause_s = min(2.0 * self._pause_s, SLOWEST_S)
        return self._pause_s * share

    def succeeded(self) -> None:
        """Frames come: the outage is over."""
        self._since_s, self._pause_s = None, FAST_S
