"""What all streams from the network share: FFmpeg opens them, and when it does not, their server is asked why."""

from __future__ import annotations

import time

from runtime.sources.address import Address
from runtime.sources.capture import ONE_THREAD, OPEN_TIMEOUT_S, READ_TIMEOUT_S, open_ffmpeg
from runtime.sources.diagnosis import diagnose
from runtime.sources.live import LiveSource


class NetworkSource(LiveSource):
    """An open stream; its frames count as captured when they come."""

    def __init__(
        self, address: Address, open_timeout_s: float = OPEN_TIMEOUT_S, read_timeout_s: float = READ_TIMEOUT_S
    ) -> None:
        """Connect. Raises Outage, after `open_timeout_s` and some seconds for finding out why."""
        started_s = time.monotonic()
        capture = open_ffmpeg(address.target, open_timeout_s, read_timeout_s, ONE_THREAD)
        if not capture.isOpened():
            raise diagnose(address, open_timeout_s, time.monotonic() - started_s)
        super().__init__(address, capture, open_timeout_s, read_timeout_s)
