"""How long a sink is tried before notices are given up, on boxes whose clock may be wrong for days and then jump."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from runtime.events.journal import utc_now
from runtime.moment import CLOCK_WAS_SET, iso

# A clock that jumps when the network comes gives nothing up before the sink was tried for so long.
_SHORTEST_TRIAL_S = 600.0
_EVER = "0000"


@dataclass
class Patience:
    """Of one sink. `clock`: seconds that never jump; `wall`: the time now, aware."""

    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], datetime] = utc_now
    _failing_since_s: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._began = self.wall(), self.clock()

    def succeeded(self) -> None:
        """The sink took something."""
        self._failing_since_s = None

    def failed(self, give_up_after_s: float) -> tuple[str, str] | None:
        """The sink took nothing. Of what time (since, before; UTC, ISO 8601) notices are given up now; None: none.

        The wall clock tells how old a notice is. Where it cannot be trusted, since it had not been set or has jumped,
        the sink must have failed for all of that time by the other clock.
        """
        now_s, now = self.clock(), self.wall()
        if self._failing_since_s is None:
            self._failing_since_s = now_s
        failing_s = now_s - self._failing_since_s
        if failing_s < min(give_up_after_s, _SHORTEST_TRIAL_S):
            return None
        before = iso(now - timedelta(seconds=give_up_after_s))
        if failing_s >= give_up_after_s:
            return _EVER, before
        began, began_s = self._began
        jumped_s = abs((now - began).total_seconds() - (now_s - began_s))
        return None if jumped_s > give_up_after_s else (CLOCK_WAS_SET, before)
