"""Privacy masks: parts of a camera's picture that nobody, and no model, ever sees."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from runtime.sources.frame import Image

_BLACK = (0, 0, 0)
_FRACTION = 4  # Bits of a pixel in which corners are given to OpenCV.
_OUTLINE = 3  # Pixels.


class Mask:
    """Polygons whose inside is blanked, in pictures of any size (a camera may change its own at any time).

    Cheap and without memory of sizes: OpenCV fills a polygon faster than a stored mask of the picture could be applied.
    """

    def __init__(self, polygons: Sequence[Sequence[tuple[float, float]]]) -> None:
        """`polygons`: corners x, y as shares (0..1) of the picture's width and height, from the top left."""
        self._polygons = [np.asarray(polygon, np.float64).reshape(-1, 2) for polygon in polygons]

    def __bool__(self) -> bool:
        """Whether anything is masked at all."""
        return bool(self._polygons)

    def blank(self, image: Image) -> None:
        """Make all pixels inside black, in place. `image`: H x W x 3, uint8, writable. A pixel that is cut goes too."""
        self._fill(image, _BLACK)

    def inside(self, height: int, width: int) -> npt.NDArray[np.bool_]:
        """Which pixels of a picture of this size are blanked, height x width."""
        picture = np.zeros((height, width), np.uint8)
        self._fill(picture, (1,))
        return picture.astype(np.bool_)

    def _fill(self, picture: Image, colour: Sequence[int]) -> None:
        height, width = picture.shape[:2]
        for polygon in self._polygons:
            # OpenCV counts from the middle of the first pixel. One polygon at a time: where two that are filled
            # together overlap, nothing is filled. The outline takes the pixels that the polygon only cuts.
            corners = np.rint((polygon * (width, height) - 0.5) * (1 << _FRACTION)).astype(np.int32)
            cv2.fillPoly(picture, [corners], colour, shift=_FRACTION)
            cv2.polylines(picture, [corners], True, colour, thickness=_OUTLINE, shift=_FRACTION)
