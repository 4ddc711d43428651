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

# Scalers, which are not for two threads at once.
_own = threading.local()


class AvFrame:
    """A frame in the decoder's memory, which is given back when nobody holds it any more. Any thread may ask it."""

    def __init__(self, frame: Any) -> None:
        """`frame`: of av.VideoFrame; of more than 8 bits it is brought to 8 at once."""
        if frame.format.name not in _PLANES:
            frame = _reformatted(frame, frame.height, frame.width, "yuv420p", Interpolation.AREA)
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

        In its own size it is what OpenCV makes of the frame, to the last bit. Smaller, it is scaled before it is
        converted: the scaler's own way to BGR leaves out every other sample of colour.
        """
        frame = self._frame
        if height * width < frame.height * frame.width:
            frame = _reformatted(frame, height, width, "yuv420p", Interpolation.AREA)
        image = _reformatted(frame, height, width, "bgr24", Interpolation.BICUBIC)
        return np.require(image.to_ndarray(), np.uint8, ["C", "W"])

    @property
    def _has_full_range(self) -> bool:
        return bool(self._frame.color_range == _FULL_RANGE or self._frame.format.name.startswith("yuvj"))


def _reformatted(frame: Any, height: int, width: int, kind: str, how: Interpolation) -> Any:
    """The frame in another size and format, by the thread's own scaler for it: its context is dear to make."""
    scaler: VideoReformatter = vars(_own).setdefault(kind, VideoReformatter())
    return scaler.reformat(frame, width=width, height=height, format=kind, interpolation=how, threads=1)
