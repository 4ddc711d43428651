"""The one definition of how a frame becomes the network's input: evaluation, calibration, parity and the stream use it.

Normalisation is not here: BGR to RGB, /255, mean and standard deviation are nodes of the exported graph.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge_resnet.geometry import Box, ResizePolicy, boxes

Frame = npt.NDArray[np.uint8]

# Of ImageNet, in RGB order and of pixels in 0..1: what torchvision's pretrained ResNet-50 was trained with.
MEAN_RGB = (0.485, 0.456, 0.406)
STD_RGB = (0.229, 0.224, 0.225)
# A frame that was scaled before it is resized has so many times the pixels that are needed, each way.
_SPARE = 2
# The mean colour in BGR, so that letterbox bars are about zero after normalisation.
_BAR_BGR = tuple(round(255 * value) for value in reversed(MEAN_RGB))


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
        return boxes(self.resize, Box(0, 0, frame_width, frame_height), Box(0, 0, self.width, self.height))

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

    def enough(self, frame_height: int, frame_width: int) -> tuple[int, int]:
        """Height and width to which a decoder may scale a frame by area before this resizes it, at most its own.

        Twice what is needed, each way; where the frame has as many, each pixel of the input is then the mean of whole
        pixels. From 1920x1080 to 224x224 a probability moves by at most 0.02; at 456x256, which is as much work, by
        0.07 (measured on real clips, docs/decisions/0030-attention-ladder.md; tests/parity/test_scaling.py).
        """
        source, target = self.boxes(frame_height, frame_width)
        height = _SPARE * round(frame_height * target.height / source.height)
        width = _SPARE * round(frame_width * target.width / source.width)
        return min(height, frame_height), min(width, frame_width)

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
