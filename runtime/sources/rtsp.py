"""A camera by RTSP (TCP unless the user says otherwise), H.264 or H.265 or whatever FFmpeg decodes."""

from __future__ import annotations

import cv2

from runtime.sources.address import Address
from runtime.sources.backlog import Arrivals
from runtime.sources.capture import OPEN_TIMEOUT_S, READ_TIMEOUT_S
from runtime.sources.network import NetworkSource


class RtspSource(NetworkSource):
    """Frames of an RTSP stream, each with the time of its capture as far as its timestamps tell."""

    def __init__(
        self, address: Address, open_timeout_s: float = OPEN_TIMEOUT_S, read_timeout_s: float = READ_TIMEOUT_S
    ) -> None:
        """Connect. Raises Outage, as NetworkSource does."""
        super().__init__(address, open_timeout_s, read_timeout_s)
        self._arrivals = Arrivals(self._clock)

    def grab(self) -> float:
        """Wait for the next frame; when it was captured: now, less what it has waited in buffers. Raises Outage."""
        self._come()
        # Those that waited while the stream was opened are passed over.
        while not self._arrivals.joined:
            self._come()
        return self._arrivals.captured_s()

    def _come(self) -> None:
        self._next()
        self._arrivals.came(float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000.0)
