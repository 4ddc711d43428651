"""A decoded frame of PyAV: brightness for measuring and scaled pictures, straight from its planes."""

from __future__ import annotations

import threading
from typing import Any

import cv2
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from runtime.sources.frame import Image

# Their first plane is brightness: of so many bits a pixel.
_BITS = {
    **dict.fromkeys(("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray"), 8),
    **dict.fromkeys(("yuv420p10le", "yuv422p10le", "yuv444p10le", "gray10le"), 10),
    **dict.fromkeys(("yuv420p12le", "yuv422p12le", "yuv444p12le", "gray12le"), 12),
}
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
# Of video of the limited range 16 is black, and 235 white (ITU-R BT.601).
_LIMITED = np.clip(np.rint((np.arange(256) - 16.0) * 255.0 / 219.0), 0, 255).astype(np.uint8)

# Scalers, which are not for two threads at once.
_own = threading.local()


class AvFrame:
    """A frame in the decoder's memory, which is given back when nobody holds it any more. Any thread may ask it.

    Where it says how it was held (a phone's video), it is turned upright, as OpenCV does.
    """

    def __init__(self, frame: Any) -> None:
        """`frame`: an av.VideoFrame."""
        self._frame = self._bright = frame
        # Quarter turns to the left.
        self._turns = round(frame.rotation / 90) % 4
        if frame.format.name not in _BITS:
            self._bright = _reformatted(frame, frame.height, frame.width, "yuv420p", Interpolation.AREA)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, in pixels."""
        return self._upright(self._frame.height, self._frame.width)

    @property
    def nbytes(self) -> int:
        """The memory that it holds, in bytes."""
        return sum(plane.buffer_size for plane in self._frame.planes)

    def grey(self, row_step: int, column_step: int) -> Image:
        """Every so many rows and columns of its brightness, uint8, 0 (black) to 255 (white)."""
        plane, bits = self._bright.planes[0], _BITS[self._bright.format.name]
        kind = np.dtype(np.uint8 if bits == 8 else "<u2")
        whole = np.frombuffer(plane, kind).reshape(-1, plane.line_size // kind.itemsize)[: plane.height, : plane.width]
        some = np.ascontiguousarray(np.rot90(whole, self._turns)[::row_step, ::column_step])
        points = some if bits == 8 else (some >> (bits - 8)).astype(np.uint8)
        return points if self._has_full_range else np.asarray(cv2.LUT(points, _LIMITED), np.uint8)

    def scaled(self, height: int, width: int) -> Image:
        """Its picture, height x width x 3, uint8, BGR: by the mean of the pixels where it is made smaller.

        In its own size it is what OpenCV makes of the frame, to the last bit. Smaller, it is scaled before it is
        converted: the scaler's own way to BGR leaves out every other sample of colour.
        """
        frame = self._frame
        height, width = self._upright(height, width)
        if height * width < frame.height * frame.width:
            frame = _reformatted(frame, height, width, "yuv420p", Interpolation.AREA)
        image = _reformatted(frame, height, width, "bgr24", Interpolation.BICUBIC).to_ndarray()
        return np.require(np.rot90(image, self._turns), np.uint8, ["C", "W"])

    def _upright(self, height: int, width: int) -> tuple[int, int]:
        """Height and width after it was turned; of what was turned, before."""
        return (width, height) if self._turns % 2 else (height, width)

    @property
    def _has_full_range(self) -> bool:
        # The scaler takes every picture without colour to be of the full range; so brightness is that of the picture.
        named = self._bright.format.name.startswith(("yuvj", "gray"))
        return bool(named or self._bright.color_range == _FULL_RANGE)


def _reformatted(frame: Any, height: int, width: int, kind: str, how: Interpolation) -> Any:
    """The frame in another size and format, by the thread's own scaler for it: its context is dear to make."""
    scaler: VideoReformatter = vars(_own).setdefault(kind, VideoReformatter())
    return scaler.reformat(frame, width=width, height=height, format=kind, interpolation=how, threads=1)
