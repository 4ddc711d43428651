"""A video file: read frame by frame, none dropped, by its own timestamps."""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numpy as np

from edge_resnet.errors import CameraError
from runtime.sources.address import Address
from runtime.sources.capture import MAX_BAD_FRAMES, OPEN_TIMEOUT_S, READ_TIMEOUT_S, open_capture
from runtime.sources.frame import Frame, Wanted

# For files that state no rate, or none that can be (a broken header says 90000).
_USUAL_FPS = 25.0
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


class FileSource:
    """Frames of a video file. Decoding is paid for every frame, the conversion to a picture only where wanted."""

    live = False
    dropped = 0

    def __init__(self, address: Address) -> None:
        """Open the file and decode its first frame. Raises CameraError when there is none."""
        self.name = address.name
        self.seen = 0
        self.seen_s = 0.0
        self._interrupted = False
        self._capture = open_capture(address, OPEN_TIMEOUT_S, READ_TIMEOUT_S)
        if not self._capture.isOpened():
            raise CameraError(f"{self.name}: not a video that OpenCV can open; give another file or convert this one")
        stated_fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = stated_fps if 0.0 < stated_fps <= _MAX_FPS else _USUAL_FPS
        if not self._grab():
            self.close()
            raise CameraError(f"{self.name}: a video without a single frame; give another file")

    def frames(self, wanted: Wanted) -> Iterator[Frame]:
        """The frames that are wanted, until the last that decodes, whatever number the header promises."""
        clock = FileClock(self.fps)
        more = True
        while more and not self._interrupted:
            self.seen_s = clock.time_s(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0)
            self.seen += 1
            if wanted(self.seen_s):
                good, image = self._capture.retrieve()
                if good:
                    yield Frame(np.asarray(image, np.uint8), self.seen_s, self.seen - 1)
            more = self._grab()

    def _grab(self) -> bool:
        return any(self._capture.grab() for _ in range(MAX_BAD_FRAMES))

    def interrupt(self) -> None:
        """Make `frames` end after the frame it is at."""
        self._interrupted = True

    def close(self) -> None:
        """Close the file."""
        self._capture.release()
