"""What is measured on every due picture, cheaply: a few raw points, how dark, how bright, how sharp."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from runtime.cameras.levels import histogram, percentiles
from runtime.sources.frame import Decoded, Image

# The points: at least so many columns and rows of every picture that has them.
POINT_COLUMNS, POINT_ROWS = 160, 90
# Blocks of so many points a side; a clock drawn into the picture touches few of the 240.
_BLOCK = 8
# Sharpness is judged at the scale of a picture this wide: a blur of 2 pixels is nothing at 4K.
_SHARP_COLUMNS, _SHARP_ROWS = 640, 64
# An edge in focus rises within one or two of these pixels, and has surely risen within this many.
_FAR = 16
# Of Gaussian noise the 99th percentile of the absolute value is 2.576 / 0.6745 = 3.82 times the median; a little more,
# since both are estimates.
_GAUSSIAN_P99 = 3.95
# Squared grey levels: differences of less than 10 levels over the picture's strongest edges are no contrast to judge.
_NO_CONTRAST = 100.0


Blocks = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Seen:
    """One picture in numbers.

    `points`: rows x columns, uint8, grey levels of single pixels, not averaged: their noise tells a live sensor from a
    repeated picture. `blocks`: a number for each block of them, another one where a point differs. `dark_level`: 98% of
    the points are at most so bright. `light_level`: 98% are at least so bright. `sharpness`: 0 (nothing but blur) to
    about 0.4 (edges of one pixel), whatever the content, contrast and noise.
    """

    points: Image
    blocks: Blocks
    dark_level: float
    light_level: float
    sharpness: float


def measure(picture: Image | Decoded) -> Seen:
    """Measure a picture, H x W x 3, uint8, BGR, or one as it was decoded, as the camera gave it: before masks blank it.

    Masks hide parts from people, not from the question whether the camera sees. 0.3 ms at 1080p.
    """
    height, width = picture.shape[:2]
    columns, rows = max(1, width // POINT_COLUMNS), max(1, height // POINT_ROWS)
    # Of every so many lines, and of those every so many pixels.
    step, lines = max(1, round(width / _SHARP_COLUMNS)), max(1, height // _SHARP_ROWS)
    if isinstance(picture, np.ndarray):
        some = np.ascontiguousarray(picture[::rows, ::columns])
        points = np.asarray(cv2.cvtColor(some, cv2.COLOR_BGR2GRAY), np.uint8)
        profiles = np.ascontiguousarray(picture[::lines, ::step, 1])
    else:
        points, profiles = picture.grey(rows, columns), picture.grey(lines, step)
    light, dark = percentiles(histogram(points), 0.02, 0.98)
    return Seen(points, blocks_of(points), dark_level=dark, light_level=light, sharpness=_sharpness(profiles))


def blocks_of(points: Image) -> Blocks:
    """The sum of each 8 x 8 block of points, each weighted differently, without what is over 32 bits."""
    weighted = points * _weights(*points.shape)
    down = np.add.reduceat(weighted, np.arange(0, weighted.shape[0], _BLOCK), axis=0, dtype=np.uint32)
    return np.add.reduceat(down, np.arange(0, down.shape[1], _BLOCK), axis=1, dtype=np.uint32)


@lru_cache(maxsize=16)
def _weights(rows: int, columns: int) -> Blocks:
    """Odd numbers, so that no change of a single point is lost. Which ones does not matter."""
    return np.random.default_rng(0).integers(0, 1 << 31, (rows, columns), np.uint32) * 2 + 1


def _sharpness(lines: Image) -> float:
    """How steep the strongest edges are: (99th percentile of the steps to the next pixel / to the 16th)^2.

    Along some rows of the brightness, or of the green channel, which holds most of it. Taken of the strongest steps, it
    does not ask how many edges there are; as a ratio, not how contrasty; and the share of the steps that plain noise
    would make (from their median) is taken off, so that a noisy sensor behind a lens out of focus does not pass for
    sharp. An edge blurred by a Gaussian of sigma s gives (1 / (2.5 s erf(16 / (2.83 s))))^2, 0.0039 at the least.
    """
    if lines.shape[1] <= _FAR:
        return 0.0
    median, near = percentiles(histogram(_steps(lines, 1)), 0.5, 0.99)
    (far,) = percentiles(histogram(_steps(lines, _FAR)), 0.99)
    steep = max(0.0, near**2 - (_GAUSSIAN_P99 * median) ** 2)
    return float(steep / (far**2 + _NO_CONTRAST))


def _steps(lines: Image, lag: int) -> Image:
    return np.asarray(cv2.absdiff(lines[:, lag:], lines[:, :-lag]), np.uint8)
