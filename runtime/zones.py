"""Zones: what a part of the picture says, from the class activation map alone.

The map's mean is the logits, so the mean over some cells is what the network would say of a picture that looks all like
these. A cell counts by the share of it that lies inside the polygon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_resnet.errors import UserError
from edge_resnet.geometry import CELL_PIXELS
from edge_resnet.manifest import InputSpec, ModelSpec
from edge_resnet.preprocess import Preprocess
from edge_resnet.probability import softmax

# With fewer cells a side, all of them see most of the picture, and none tells a part of it from the rest.
FEWEST_CELLS = 7
# A zone that is smaller than one cell borrows its evidence from beside it.
_LEAST_AREA_CELLS = 1.0
# Points at which a cell is asked whether it lies inside, in each direction.
_SAMPLES = 16
# Height and width of the frames of nearly all cameras: what none of these shows of a zone, no camera does.
_USUAL_FRAMES = ((1080, 1920), (1200, 1600))

Polygon = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Coverage:
    """What a polygon takes of a map. `inside`: h x w, float64, 0..1, the share of each cell that lies in it.

    `bars`: the share of each cell that a letterbox has filled.
    """

    inside: npt.NDArray[np.float64]
    bars: npt.NDArray[np.float64]

    @classmethod
    def of(cls, polygon: Polygon, preprocess: Preprocess, frame: tuple[int, int], cells: tuple[int, int]) -> Coverage:
        """`polygon`: corners [x, y], 0..1 of the `frame` (height, width in pixels); `cells`: rows, columns of the map.

        A polygon that crosses itself has its inside where an odd number of its edges lies to one side.
        """
        seen, target = preprocess.boxes(*frame)
        # The points' places in the input, then in the frame, both as shares of it.
        down = (np.arange(cells[0] * _SAMPLES) + 0.5) / (cells[0] * _SAMPLES) * preprocess.height - target.y
        right = (np.arange(cells[1] * _SAMPLES) + 0.5) / (cells[1] * _SAMPLES) * preprocess.width - target.x
        picture = np.outer((down >= 0) & (down < target.height), (right >= 0) & (right < target.width))
        y = (seen.y + down / target.height * seen.height) / frame[0]
        x = (seen.x + right / target.width * seen.width) / frame[1]
        return cls(_share(_inside(polygon, x, y) & picture), _share(~picture))

    @property
    def area_cells(self) -> float:
        """How large the seen part of the polygon is, in cells."""
        return float(self.inside.sum())

    def weights(self) -> npt.NDArray[np.float64]:
        """The weight of each cell, h x w, their sum is 1. With no cell inside, all that is seen counts.

        A letterbox's bars keep the share that they have in the whole frame's mean: thresholds and temperature were
        chosen with them, and what fills the picture must not count for more in a zone than in the frame.
        """
        seen = self.inside if self.area_cells > 0.0 else 1.0 - self.bars
        barred = float(self.bars.mean())
        return np.asarray((1.0 - barred) * seen / seen.sum() + self.bars / self.bars.size, np.float64)


class Zone:
    """A polygon of one camera's picture, and its evidence in a map of the network."""

    def __init__(self, name: str, polygon: Polygon, model: ModelSpec) -> None:
        """`polygon`: corners [x, y], 0..1 from the frame's top left. Raises UserError for what `fault` tells."""
        self.name, self.polygon = name, tuple(polygon)
        if wrong := fault(polygon, model.input):
            raise UserError(f"zone {name}: {wrong}")
        self._preprocess, self._temperature = model.input.preprocess, model.temperature
        # A camera rarely changes the size of its frames: the weights of the last one are kept.
        self._key = (0, 0, 0, 0)
        self._weights: npt.NDArray[np.float32] = np.zeros(0, np.float32)

    def probabilities(
        self, cam: npt.NDArray[np.float32], frame_height: int, frame_width: int
    ) -> npt.NDArray[np.float64]:
        """The probability of each class in the zone (C, float64, sums to 1): the softmax, with the temperature, of the
        mean of `cam` (C x h x w) over the zone.
        """
        key = (frame_height, frame_width, *cam.shape[1:])
        if key != self._key:
            covered = Coverage.of(self.polygon, self._preprocess, (frame_height, frame_width), cam.shape[1:])
            self._weights, self._key = covered.weights().ravel().astype(np.float32), key
        return softmax(cam.reshape(len(cam), -1) @ self._weights, self._temperature)


def map_size(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of the map of an input of so many pixels."""
    return -(-height // CELL_PIXELS), -(-width // CELL_PIXELS)


def coarse(given: InputSpec) -> str:
    """Why the map of an input is too coarse for any zone, and what to do; empty when it is fine."""
    rows, columns = map_size(given.height, given.width)
    if min(rows, columns) >= FEWEST_CELLS:
        return ""
    least = f"{CELL_PIXELS * FEWEST_CELLS}x{CELL_PIXELS * FEWEST_CELLS}"
    return (
        f"input {given.height}x{given.width} gives a map of {rows}x{columns} cells, and zones need "
        f"{FEWEST_CELLS}x{FEWEST_CELLS}: fine-tune with --input {least} (or more) and export again; where tune chose "
        f"this size, edge-resnet tune --sizes {least}"
    )


def fault(polygon: Polygon, given: InputSpec) -> str:
    """Why a polygon cannot be judged with a network's input, and what to do; empty when it can be."""
    if wrong := coarse(given):
        return wrong
    cells, preprocess = map_size(given.height, given.width), given.preprocess
    area = max(Coverage.of(polygon, preprocess, frame, cells).area_cells for frame in _USUAL_FRAMES)
    if area >= _LEAST_AREA_CELLS:
        return ""
    if area == 0.0 and given.resize == "crop":
        return "lies outside of what the network sees (it crops to the middle of the frame): draw it further inside"
    share = 1.0 / (cells[0] * cells[1])
    return (
        f"covers {area:.2f} of a cell of the map ({cells[0]}x{cells[1]}), and needs 1, about {share:.1%} of the "
        "picture: draw it larger"
    )


def _inside(polygon: Polygon, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which points of the grid `y` x `x` lie in the polygon, by the even-odd rule."""
    inside = np.zeros((len(y), len(x)), np.bool_)
    for edge in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        # From the top, whichever way round it was drawn: zones that share an edge share no point.
        (x1, y1), (x2, y2) = sorted(edge, key=lambda corner: (corner[1], corner[0]))
        crosses = (y1 > y) != (y2 > y)
        # Only rows that the edge crosses; a level edge crosses none.
        at = x1 + (y[crosses] - y1) / (y2 - y1) * (x2 - x1) if crosses.any() else np.zeros(0)
        inside[crosses] ^= x < at[:, np.newaxis]
    return inside


def _share(points: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """The share of points in each cell."""
    rows, columns = points.shape[0] // _SAMPLES, points.shape[1] // _SAMPLES
    return np.asarray(points.reshape(rows, _SAMPLES, columns, _SAMPLES).mean(axis=(1, 3)), np.float64)
