"""The one definition of how a frame becomes the network's input: evaluation, calibration, parity and the stream use it.

Normalisation is not here: BGR to RGB, /255, mean and standard deviation are nodes of the exported graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

ResizePolicy = Literal["stretch", "letterbox", "crop"]
Frame = npt.NDArray[np.uint8]

# Of ImageNet, in RGB order and of pixels in 0..1: what torchvision's pretrained ResNet-50 was trained with.
MEAN_RGB = (0.485, 0.456, 0.406)
STD_RGB = (0.229, 0.224, 0.225)
# The mean colour in BGR, so that letterbox bars are about zero after normalisation.
_BAR_BGR = tuple(round(255 * value) for value in reversed(MEAN_RGB))


@dataclass(frozen=True)
class Box:
    """A rectangle in whole pixels: left, top, width, height."""

    x: int
    y: int
    width: int
    height: int

    def of(self, image: Frame) -> Frame:
        """The part of `image` (H x W x 3) inside this box, as a view."""
        return image[self.y : self.y + self.height, self.x : self.x + self.width]


@dataclass(frozen=True)
class Preprocess:
    """Resizes a frame of any size to the network's input.

    `height` and `width` are in pixels. `resize`: `stretch` uses the whole frame and gives up its aspect ratio,
    `letterbox` keeps both and adds bars, `crop` keeps the aspect ratio and loses what is outside the centre.
    """

    height: int
    width: int
    resize: ResizePolicy = "stretch"

    def boxes(self, frame_height: int, frame_width: int) -> tuple[Box, Box]:
        """Which part of the frame goes to which part of the input: (box in the frame, box in the input)."""
        whole_frame = Box(0, 0, frame_width, frame_height)
        whole_input = Box(0, 0, self.width, self.height)
        if self.resize == "stretch":
            return whole_frame, whole_input
        if self.resize == "letterbox":
            return whole_frame, _largest_inside(whole_input, frame_width, frame_height)
        return _largest_inside(whole_frame, self.width, self.height), whole_input

    def __call__(self, frame: Frame) -> Frame:
        """Resize `frame` (H x W x 3, uint8, BGR) to height x width x 3, uint8, BGR, contiguous."""
        source, target = self.boxes(*frame.shape[:2])
        part = _resize(source.of(frame), target.width, target.height)
        if (target.width, target.height) == (self.width, self.height):
            return part
        canvas = np.empty((self.height, self.width, 3), np.uint8)
        canvas[:] = _BAR_BGR
        target.of(canvas)[:] = part
        return canvas

    def batch(self, frames: list[Frame]) -> Frame:
        """Resize each frame and stack them: N x height x width x 3, uint8, BGR."""
        if not frames:
            return np.empty((0, self.height, self.width, 3), np.uint8)
        return np.stack([self(frame) for frame in frames])


def _resize(image: Frame, width: int, height: int) -> Frame:
    """INTER_AREA when the picture loses pixels, INTER_LINEAR when it gains some."""
    if image.shape[:2] == (height, width):
        return np.ascontiguousarray(image)
    shrinks = width * height < image.shape[1] * image.shape[0]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=interpolation), np.uint8)


def _largest_inside(outer: Box, ratio_width: int, ratio_height: int) -> Box:
    """The largest centred box inside `outer` with the aspect ratio ratio_width : ratio_height."""
    scale = min(outer.width / ratio_width, outer.height / ratio_height)
    width = max(1, min(outer.width, round(ratio_width * scale)))
    height = max(1, min(outer.height, round(ratio_height * scale)))
    return Box(outer.x + (outer.width - width) // 2, outer.y + (outer.height - height) // 2, width, height)
