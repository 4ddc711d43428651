"""Which part of a frame becomes which part of the network's input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# ResNet-50 halves height and width five times, rounding up each time: one cell of its map stands for 32 pixels.
CELL_PIXELS = 32
ResizePolicy = Literal["stretch", "letterbox", "crop"]


@dataclass(frozen=True)
class Box:
    """A rectangle in whole pixels: left, top, width, height."""

    x: int
    y: int
    width: int
    height: int

    def of(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The part of `image` (H x W x 3) inside this box, as a view."""
        return image[self.y : self.y + self.height, self.x : self.x + self.width]


def boxes(policy: ResizePolicy, frame: Box, target: Box) -> tuple[Box, Box]:
    """The part of `frame` that is seen, and the part of `target` that it fills.

    `stretch` uses both whole, `letterbox` fills the largest part of the target with the frame's aspect ratio, `crop`
    sees the largest part of the frame with the target's aspect ratio.
    """
    if policy == "stretch":
        return frame, target
    if policy == "letterbox":
        return frame, _largest_inside(target, frame)
    return _largest_inside(frame, target), target


def _largest_inside(outer: Box, ratio: Box) -> Box:
    """The largest centred box inside `outer` with the aspect ratio of `ratio`."""
    scale = min(outer.width / ratio.width, outer.height / ratio.height)
    width = max(1, min(outer.width, round(ratio.width * scale)))
    height = max(1, min(outer.height, round(ratio.height * scale)))
    return Box(outer.x + (outer.width - width) // 2, outer.y + (outer.height - height) // 2, width, height)
