"""A video file: read frame by frame, none dropped, by its own timestamps.

It ends where no more can be decoded, whatever number of frames its header promises. Of a file that is still being
written, what is there is read, and what is added meanwhile as far as the container allows (MKV, AVI and TS do; an MP4
cannot even be opened before it is finished); reading never waits for more.
"""

from __future__ import annotations

import math

import cv2

from runtime.sources.address import Address
from runtime.sources.capture import (
    MAX_BAD_FRAMES,
    OPEN_TIMEOUT_S,
    READ_TIMEOUT_S,
    open_ffmpeg,
    retrieve_image,
    stated_fps,
)
from runtime.sources.diagnosis import short_of_resources
from runtime.sources.frame import EveryFrame, Image
from runtime.sources.outage import Outage

# A broken header says 90000.
_MAX_FPS = 1000.0


class FileClock:
    """The time of each frame of a file, always growing.

    The stream's own timestamps count, for they tell of gaps and of a changing rate. Where they do not grow (some
    containers have none: all are 0), the frame comes one period after the one before.
    """

    def __init__(self, fps: float) -> None:
        self._period_s = 1.0 / fps
        self._last_s: float | None = None

    def time_s(self, stated_s: float) -> float:
        """The time of the next frame in seconds, from the timestamp that its container states."""
        if self._last_s is None:
            self._last_s = max(0.0, stated_s) if math.isfinite(stated_s) else 0.0
        elif math.isfinite(stated_s) and stated_s > self._last_s:
            self._last_s = stated_s
        else:
            self._last_s += self._period_s
        return self._last_s


class FileSource(EveryFrame):
    """Frames of a video file. Decoding is paid for every frame, the conversion to a picture only where asked for."""

    live = False

    def __init__(self, address: Address) -> None:
        """Open the file and decode its first frame. Raises Outage when there is none."""
        self.name = address.name
        self._capture = open_ffmpeg(address.target, OPEN_TIMEOUT_S, READ_TIMEOUT_S)
        if not self._capture.isOpened():
            raise short_of_resources(self.name) or Outage(
                self.name, "codec", "not a video that OpenCV can open; give another file, or convert this one"
            )
        self.fps = stated_fps(self._capture, _MAX_FPS)
        self._clock = FileClock(self.fps)
        self._at_first = self._next()
        if not self._at_first:
            self.close()
            raise Outage(self.name, "codec", "a video without a single frame; give another file")

    def grab(self) -> float | None:
        """Go to the next frame: its time in seconds of the file; None after the last that decodes."""
        if not self._at_first and not self._next():
            return None
        self._at_first = False
        return self._clock.time_s(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0)

    def retrieve(self) -> Image | None:
        """The picture of the frame; None when it is broken."""
        return retrieve_image(self._capture)

    def close(self) -> None:
        """Close the file."""
        self._capture.release()

    def _next(self) -> bool:
        return any(self._capture.grab() for _ in range(MAX_BAD_FRAMES))
