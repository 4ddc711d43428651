"""A camera by RTSP (TCP unless the user says otherwise), H.264 or H.265 or whatever FFmpeg decodes."""

from __future__ import annotations

import cv2

from runtime.sources.address import Address
from runtime.sources.backlog import Backlog, came_in_time
from runtime.sources.capture import OPEN_TIMEOUT_S, READ_TIMEOUT_S
from runtime.sources.network import NetworkSource

# What waited while the stream was opened has drained by then, or never will.
_JOIN_S = 2.0


class RtspSource(NetworkSource):
    """Frames of an RTSP stream, each with the time of its capture as far as its timestamps tell."""

    def __init__(
        self, address: Address, open_timeout_s: float = OPEN_TIMEOUT_S, read_timeout_s: float = READ_TIMEOUT_S
    ) -> None:
        """Connect. Raises Outage, as NetworkSource does."""
        super().__init__(address, open_timeout_s, read_timeout_s)
        self._backlog = Backlog()
        self._joined = False
        self._captured_s = 0.0

    def grab(self) -> float:
        """Wait for the next frame; when it was captured: now, less what it has waited in buffers. Raises Outage."""
        if self._joined:
            self._next()
        else:
            self._join()
        now_s = self._clock()
        # Capture times only grow, however the estimate moves.
        self._captured_s = max(self._captured_s, now_s - self._backlog.update(now_s, self._stamp_s()))
        return self._captured_s

    def _join(self) -> None:
        """Pass over the frames that waited while the stream was opened."""
        self._next()
        now_s, stamp_s = self._clock(), self._stamp_s()
        until_s = now_s + _JOIN_S
        while not self._joined:
            before_s, before_stamp_s = now_s, stamp_s
            self._next()
            now_s, stamp_s = self._clock(), self._stamp_s()
            self._joined = came_in_time(now_s - before_s, stamp_s - before_stamp_s) or now_s > until_s

    def _stamp_s(self) -> float:
        return float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000.0
