"""A decoded frame of PyAV: brightness for measuring and scaled pictures, straight from its planes."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from runtime.sources.frame import Image

# Their first plane is brightness, 8 bits a pixel.
_PLANES = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray"})
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
# Of video of the limited range 16 is black, and 235 white (ITU-R BT.601).
_LIMITED = np.clip(np.rint((np.arange(256) - 16.0) * 255.0 / 219.0), 0, 255).astype(np.uint8)

# A context of the scaler, which is not for two threads at once, is kept from frame to frame.
_own = threading.local()


class AvFrame:
    """A frame in the decoder's memory, which is given back when nobody holds it any more. Any thread may ask it."""

    def __init__(self, frame: Any) -> None:
        """`frame`: of av.VideoFrame; of more than 8 bits it is brought to 8 at once."""
        if frame.format.name not in _PLANES:
            frame = _reformatter().reformat(frame, format="yuv420p", threads=1)
        self._frame = frame

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, in pixels."""
        return self._frame.height, self._frame.width

    @property
    def nbytes(self) -> int:
        """The memory that it holds, in bytes."""
        return sum(plane.buffer_size for plane in self._frame.planes)

    def grey(self, row_step: int, column_step: int) -> Image:
        """Every so many rows and columns of its brightness, uint8, 0 (black) to 255 (white)."""
        plane = self._frame.planes[0]
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height : row_step]
        points = rows[:, : plane.width : column_step]
        return np.ascontiguousarray(points) if self._has_full_range else _LIMITED[points]

    def scaled(self, height: int, width: int) -> Image:
        """Its picture, height x width x 3, uint8, BGR: by the mean of the pixels where it is made smaller.

        In its own size it is what OpenCV makes of the frame, to the last bit.
        """
        smaller = height * width < self._frame.height * self._frame.width
        scaled = _reformatter().reformat(
            self._frame,
            width=width,
            height=height,
            format="bgr24",
            interpolation=Interpolation.AREA if smaller else Interpolation.BICUBIC,
            threads=1,
        )
        return np.require(scaled.to_ndarray(), np.uint8, ["C", "W"])

    @property
    def _has_full_range(self) -> bool:
        return bool(self._frame.color_range == _FULL_RANGE or self._frame.format.name.startswith("yuvj"))


def _reformatter() -> VideoReformatter:
    if not hasattr(_own, "reformatter"):
        _own.reformatter = VideoReformatter()
    reformatter: VideoReformatter = _own.reformatter
    return reformatter
