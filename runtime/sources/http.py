"""A camera by HTTP, mostly MJPEG, and whatever else FFmpeg opens from the network but RTSP.

Its frames count as captured when they come: MJPEG has no timestamps, FFmpeg makes them up. A video behind a URL is read
as if it were live, as fast as it comes, and "gone" at its end.
"""

from __future__ import annotations

import time

from runtime.sources.address import Address
from runtime.sources.capture import ONE_THREAD, OPEN_TIMEOUT_S, READ_TIMEOUT_S, open_ffmpeg
from runtime.sources.diagnosis import diagnose
from runtime.sources.live import LiveSource


class HttpSource(LiveSource):
    """Frames of a network stream as they come."""

    def __init__(
        self, address: Address, open_timeout_s: float = OPEN_TIMEOUT_S, read_timeout_s: float = READ_TIMEOUT_S
    ) -> None:
        """Connect. Raises Outage, after `open_timeout_s` and some seconds for finding out why."""
        started_s = time.monotonic()
        capture = open_ffmpeg(address.target, open_timeout_s, read_timeout_s, ONE_THREAD)
        if not capture.isOpened():
            raise diagnose(address, open_timeout_s, time.monotonic() - started_s)
        super().__init__(address, capture, open_timeout_s, read_timeout_s)
