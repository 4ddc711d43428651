"""How long frames have waited in buffers before they reached us, from the timestamps that the camera gives them.

A frame that is grabbed now need not be captured now: FFmpeg keeps what came while it looked at the stream, and whenever
our thread does not get its turn, TCP keeps what comes. The time between capture and grab is

    now - timestamp = (difference of the clocks) + (way through the network) + (backlog)

of which the first two hardly change, so the smallest value that was seen is theirs, and what is over it is backlog.
"""

from __future__ import annotations

import math
from collections.abc import Callable

# Clocks drift: a camera's is wrong by up to 100 parts in a million, so the smallest value may rise by some more.
DRIFT = 500e-6
# A backlog drains as fast as we decode, or grows. One that stays as it is for so long, within so little, is none: the
# camera's clock has stood still for a while (a paused encoder, timestamps made by counting frames).
FLAT_AFTER_S = 5.0
FLAT_S = 0.1
# What waited while the stream was opened has drained by then, or never will.
JOIN_S = 2.0


class Backlog:
    """The backlog of one stream, frame by frame. Pure: both clocks are given."""

    def __init__(self) -> None:
        self._last_s: tuple[float, float] | None = None
        self._least_s = 0.0
        self._flat = _Flat(0.0, 0.0, 0.0)

    def update(self, now_s: float, stamp_s: float) -> float:
        """Seconds that a frame has waited which comes at `now_s` and says `stamp_s` of itself, 0 or more.

        Timestamps that go back or stand still say nothing: the reckoning begins anew, with 0.
        """
        offset_s = now_s - stamp_s
        if self._last_s is None or not stamp_s > self._last_s[1]:
            self._least_s, self._flat = offset_s, _Flat(now_s, offset_s, offset_s)
        else:
            self._least_s += DRIFT * max(0.0, now_s - self._last_s[0])
            if self._flat.lasts(now_s, offset_s):
                self._least_s = max(self._least_s, self._flat.low_s)
                self._flat = _Flat(now_s, offset_s, offset_s)
            self._least_s = min(self._least_s, offset_s)
        self._last_s = (now_s, stamp_s)
        return offset_s - self._least_s


class Arrivals:
    """When the frames of a live stream were captured: now, less what they have waited in buffers.

    `joined`: whether what waited while the stream was opened has been passed over.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._backlog = Backlog()
        self._began_s: float | None = None
        self._last: tuple[float, float] = (0.0, 0.0)
        self._came_s = self._captured_s = 0.0
        self.joined = False

    def came(self, stamp_s: float) -> float:
        """A frame came, which says `stamp_s` of itself; when it was captured. Of one that says nothing (inf): now."""
        now_s = self._clock()
        if self._began_s is None:
            self._began_s = now_s
        elif not self.joined:
            in_time = _came_in_time(now_s - self._last[0], stamp_s - self._last[1])
            self.joined = in_time or now_s > self._began_s + JOIN_S
        self._last = now_s, stamp_s
        self._came_s = now_s - (self._backlog.update(now_s, stamp_s) if math.isfinite(stamp_s) else 0.0)
        return self._came_s

    def captured_s(self, behind_s: float = 0.0) -> float:
        """When a frame was captured that is `behind_s` older than the newest that came; it only grows."""
        self._captured_s = max(self._captured_s, self._came_s - behind_s)
        return self._captured_s


class _Flat:
    """Since when the offset has stayed within FLAT_S, and between which values."""

    def __init__(self, since_s: float, low_s: float, high_s: float) -> None:
        self.since_s, self.low_s, self.high_s = since_s, low_s, high_s

    def lasts(self, now_s: float, offset_s: float) -> bool:
        """Take one more offset; whether it has been flat for long enough."""
        low_s, high_s = min(self.low_s, offset_s), max(self.high_s, offset_s)
        if high_s - low_s > FLAT_S:
            self.since_s, self.low_s, self.high_s = now_s, offset_s, offset_s
            return False
        self.low_s, self.high_s = low_s, high_s
        return now_s - self.since_s >= FLAT_AFTER_S


def _came_in_time(waited_s: float, apart_s: float) -> bool:
    """Whether a frame came as it was captured, and not out of a buffer.

    `waited_s`: since the frame before on our clock, `apart_s`: by their timestamps. Half is far from both: out of a
    buffer frames come ten times as fast as they were captured.
    """
    return 0.0 < apart_s <= 2.0 * waited_s
