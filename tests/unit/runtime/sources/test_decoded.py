"""A decoded frame: its brightness and its scaled pictures are those of the whole picture, in every format."""

from __future__ import annotations

import threading
from typing import Any

import av
import cv2
import numpy as np
import pytest

from runtime.sources.decoded import AvFrame
from runtime.sources.frame import Image
from tests.unit.runtime.sources.videos import drawn

EIGHT_BITS = ["yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuvj444p", "nv12", "gray"]
OTHERS = ["yuv420p10le", "yuv422p10le", "yuv444p12le", "gray10le", "rgb24", "gbrp", "p010le"]
FULL, LIMITED = 2, 1


def frame(pixels: str = "yuv420p", height: int = 180, width: int = 320, full_range: bool | None = None) -> Any:
    # Neither black nor white: what is cut off there is not the same before scaling and after.
    smooth = 60 + cv2.GaussianBlur(drawn(3, width, height), (0, 0), 3) // 2
    made = av.VideoFrame.from_ndarray(smooth, format="rgb24")
    full = "j" in pixels if full_range is None else full_range
    made = made.reformat(format=pixels, dst_color_range=FULL if full else LIMITED)
    made.color_range = FULL if full else LIMITED
    return made


def grey_of(image: Image) -> Image:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)


@pytest.mark.parametrize("pixels", EIGHT_BITS + OTHERS)
def test_brightness_is_that_of_the_picture_in_every_format(pixels: str) -> None:
    decoded = AvFrame(frame(pixels))
    assert decoded.shape == (180, 320)
    grey, expected = decoded.grey(3, 5), grey_of(decoded.scaled(180, 320))[::3, ::5]
    assert (grey.shape, grey.dtype) == ((60, 64), np.uint8)
    assert np.abs(grey.astype(int) - expected).mean() < 2.0


@pytest.mark.parametrize("full_range", [False, True])
def test_black_is_0_and_white_is_255_in_either_range(full_range: bool) -> None:
    for value in (0, 255):
        made = av.VideoFrame.from_ndarray(np.full((90, 160, 3), value, np.uint8), format="rgb24")
        made = made.reformat(format="yuv420p", dst_color_range=FULL if full_range else LIMITED)
        made.color_range = FULL if full_range else LIMITED
        assert AvFrame(made).grey(1, 1).min() == AvFrame(made).grey(1, 1).max() == value


@pytest.mark.parametrize("size", [(180, 320), (97, 161), (1, 1), (3, 7)])
@pytest.mark.parametrize("steps", [(1, 1), (2, 3), (200, 400)])
def test_it_is_of_single_pixels_whatever_the_size_and_the_padding(
    size: tuple[int, int], steps: tuple[int, int]
) -> None:
    decoded = AvFrame(frame("yuvj444p", *size))
    whole = decoded.grey(1, 1)
    assert whole.shape == size
    np.testing.assert_array_equal(decoded.grey(*steps), whole[:: steps[0], :: steps[1]])


@pytest.mark.parametrize("size", [(180, 320), (90, 160), (64, 65), (45, 80), (97, 81)])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv444p", "yuv420p10le", "gbrp"])
def test_made_smaller_it_is_the_mean_of_its_pixels_and_writable(pixels: str, size: tuple[int, int]) -> None:
    decoded = AvFrame(frame(pixels))
    image = decoded.scaled(*size)
    assert (image.shape, image.dtype) == ((*size, 3), np.uint8)
    assert image.flags.c_contiguous
    expected = cv2.resize(decoded.scaled(180, 320), size[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(image.astype(int) - expected).mean() < 3.0
    image[:] = 0
    # What is written into a picture is not written into the frame.
    assert decoded.scaled(*size).any()


def test_it_says_how_much_memory_it_holds() -> None:
    assert AvFrame(frame()).nbytes == pytest.approx(180 * 320 * 1.5, rel=0.15)


def test_threads_may_ask_for_different_sizes_at_once() -> None:
    decoded = AvFrame(frame())
    sizes = [(90, 160), (45, 80), (64, 64)]
    expected = {size: decoded.scaled(*size) for size in sizes}
    wrong: list[tuple[int, int]] = []

    def ask(turn: int) -> None:
        for number in range(60):
            size = sizes[(turn + number) % 3]
            if not np.array_equal(decoded.scaled(*size), expected[size]):
                wrong.append(size)

    threads = [threading.Thread(target=ask, args=(turn,)) for turn in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
