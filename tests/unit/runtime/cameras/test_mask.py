"""Masks: nothing inside stays, at any size, and nothing else goes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from runtime.cameras.mask import Mask
from runtime.sources.frame import Image

Corners = list[tuple[float, float]]
SHARES = st.floats(0.0, 1.0)
POLYGONS = st.lists(st.tuples(SHARES, SHARES), min_size=3, max_size=6)


def white(height: int, width: int) -> Image:
    return np.full((height, width, 3), 255, np.uint8)


def inside(corners: Corners, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Even-odd rule, as the corners say, without OpenCV."""
    odd = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.bool_)
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        if y0 != y1:
            crosses = ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
            odd ^= crosses
    return odd


@given(POLYGONS, st.integers(1, 90), st.integers(1, 120))
def test_no_pixel_inside_keeps_its_value(corners: Corners, height: int, width: int) -> None:
    image = white(height, width)
    mask = Mask([corners])
    mask.blank(image)
    for place in (0.01, 0.5, 0.99):
        x, y = (np.arange(width) + place) / width, (np.arange(height) + place) / height
        assert not image[inside(corners, x[None, :], y[:, None])].any()
    np.testing.assert_array_equal(mask.inside(height, width), ~image.any(axis=2))


def test_only_the_pixels_beside_it_go_too() -> None:
    image = white(100, 200)
    Mask([[(0.25, 0.2), (0.5, 0.2), (0.5, 0.6), (0.25, 0.6)]]).blank(image)
    rows, columns = np.nonzero(image.max(axis=2) == 0)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (18, 62, 48, 102)


def test_where_two_overlap_both_are_blank() -> None:
    image = white(50, 50)
    square: Corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    Mask([square, square]).blank(image)
    assert not image.any()


def test_without_polygons_there_is_no_mask() -> None:
    image = white(4, 4)
    Mask([]).blank(image)
    assert image.all()
    assert not Mask([])
    assert Mask([[(0, 0), (1, 0), (1, 1)]])
