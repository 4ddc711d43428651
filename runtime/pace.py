"""The pace: which frames are looked at, so many a second by the frames' own times."""

from __future__ import annotations

# A tenth of a frame at 100 frames a second: timestamps are rounded to milliseconds in most containers.
_TOLERANCE_S = 0.001


class Pace:
    """`rate_per_s` looks a second, on a steady beat while frames come; after a gap the beat starts anew.

    The rate may be changed, by any thread: it counts at once, from the last look on.
    """

    def __init__(self, rate_per_s: float) -> None:
        self.rate_per_s = rate_per_s
        self._beat_s = float("-inf")

    def is_due(self, time_s: float) -> bool:
        """Whether a frame at `time_s` seconds is to be looked at. Changes nothing, so any thread may ask."""
        return time_s >= self._beat_s + 1.0 / self.rate_per_s - _TOLERANCE_S

    def take(self, time_s: float) -> None:
        """A frame at `time_s` is being looked at: the next is due a period later."""
        period_s = 1.0 / self.rate_per_s
        on_the_beat_s = self._beat_s + period_s
        # A look that came early, since the next frame would have come too late, begins a beat of its own.
        self._beat_s = min(on_the_beat_s, time_s) if on_the_beat_s + period_s > time_s else time_s
