"""Shots: what is made of a frame for a look and for people, of pictures and of frames as their decoder gives them."""

from __future__ import annotations

from dataclasses import dataclass, field

import av
import cv2
import numpy as np
import pytest

from edge_resnet.preprocess import Preprocess
from runtime.cameras.mask import Mask
from runtime.cameras.measure import measure
from runtime.cameras.shot import Maker, Undecodable
from runtime.config.settings import BlindnessSettings
from runtime.sources.decoded import AvFrame
from runtime.sources.frame import Frame, Image

LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
SIZE = (180, 320)


@dataclass(frozen=True)
class Bright:
    """A decoded frame that counts what is asked of it."""

    asked: list[tuple[int, int]]
    shape: tuple[int, int] = SIZE
    nbytes: int = 86_400

    def grey(self, row_step: int, column_step: int) -> Image:
        return np.full(self.shape, 200, np.uint8)[::row_step, ::column_step]

    def scaled(self, height: int, width: int) -> Image:
        self.asked.append((height, width))
        return np.full((height, width, 3), 200, np.uint8)


def maker(mask: Mask | None = None) -> Maker:
    return Maker(mask or Mask(()), Preprocess(32, 64))


def test_a_decoded_frame_is_scaled_once_to_no_more_than_is_needed() -> None:
    asked: list[tuple[int, int]] = []
    shot = maker().make(Frame(Bright(asked), 0.0, 0), due=True)
    assert asked == [(64, 128)]
    assert shot.input is not None
    assert shot.input.shape == (32, 64, 3)
    assert shot.seen is not None


def test_for_people_alone_nothing_is_made_before_they_look() -> None:
    asked: list[tuple[int, int]] = []
    shot = maker().make(Frame(Bright(asked), 0.0, 0), due=False)
    assert (shot.seen, shot.input, asked) == (None, None, [])
    assert shot.frame.image.shape == (*SIZE, 3)
    assert shot.frame.image is shot.frame.image
    assert asked == [SIZE]


@pytest.mark.parametrize("decoded", [False, True], ids=["picture", "decoded"])
def test_what_is_masked_is_black_in_every_picture_that_anybody_gets(decoded: bool) -> None:
    picture = Bright([]) if decoded else np.full((*SIZE, 3), 200, np.uint8)
    shot = maker(Mask((LEFT,))).make(Frame(picture, 0.0, 0), due=True)
    assert shot.input is not None
    for image in (shot.input, shot.frame.image, shot.frame.fitted(160), shot.frame.fitted(80)):
        middle = image.shape[1] // 2
        assert image[:, :middle].max() == 0
        assert image[:, middle + 4 :].min() > 190
    # A mask does not make the camera blind.
    assert shot.seen is not None
    assert shot.seen.light_level > 190
    assert shot.frame.shape == SIZE


@dataclass(frozen=True)
class Damaged(Bright):
    """A decoded frame of which a library can make nothing."""

    error: Exception = field(default_factory=ValueError)

    def grey(self, row_step: int, column_step: int) -> Image:
        raise self.error

    def scaled(self, height: int, width: int) -> Image:
        raise self.error


@pytest.mark.parametrize("error", [ValueError("slice"), RuntimeError("of C"), av.error.ArgumentError(22, "Invalid")])
def test_a_frame_of_which_no_picture_can_be_made_says_so_in_one_way_whenever_it_is_asked(error: Exception) -> None:
    frame = Frame(Damaged([], error=error), 0.0, 0)
    with pytest.raises(Undecodable, match=type(error).__name__):
        maker().make(frame, due=True)
    shown = maker().make(frame, due=False).frame
    for ask in (lambda: shown.image, lambda: shown.fitted(80)):
        with pytest.raises(Undecodable):
            ask()


def test_a_box_that_has_no_memory_is_not_told_as_a_damaged_frame() -> None:
    with pytest.raises(MemoryError):
        maker().make(Frame(Damaged([], error=MemoryError()), 0.0, 0), due=True)


def scene(height: int, width: int) -> Image:
    """Boxes with edges as sharp as a lens makes them, of little colour, and a sensor's noise."""
    random = np.random.default_rng(5)
    picture = np.full((height, width, 3), 110.0, np.float32)
    for _ in range(150):
        x, y = random.integers(0, width), random.integers(0, height)
        size = random.integers(max(3, width // 80), width // 16, 2)
        picture[y : y + size[1], x : x + size[0]] = 110 + random.uniform(-90, 90) + random.uniform(-10, 10, 3)
    picture = cv2.GaussianBlur(picture, (0, 0), width / 640 * 0.7) + random.normal(0, 2, (height, width, 1))
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj420p", "yuv422p", "yuv420p10le", "gray"])
@pytest.mark.parametrize("size", [(1080, 1920), (360, 640)])
# In the dark the limited range is stretched by whole levels, which is a sixth of what noise there is.
@pytest.mark.parametrize(("level", "share"), [(1.0, 0.1), (0.3, 0.25)])
def test_what_is_measured_of_a_decoded_frame_is_what_is_measured_of_its_picture(
    pixels: str, size: tuple[int, int], level: float, share: float
) -> None:
    drawn = (scene(*size) * level).astype(np.uint8)
    decoded = AvFrame(av.VideoFrame.from_ndarray(drawn, format="bgr24").reformat(format=pixels))
    seen, expected = measure(decoded), measure(decoded.scaled(*size))
    assert seen.points.shape == expected.points.shape
    assert seen.dark_level == pytest.approx(expected.dark_level, abs=2.0)
    assert seen.light_level == pytest.approx(expected.light_level, abs=2.0)
    assert seen.sharpness == pytest.approx(expected.sharpness, rel=share)


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize(("value", "black", "overexposed"), [(0, True, False), (128, False, False), (255, False, True)])
def test_a_black_or_white_decoded_frame_is_seen_to_be_so(
    value: int, black: bool, overexposed: bool, full_range: bool
) -> None:
    flat = av.VideoFrame.from_ndarray(np.full((*SIZE, 3), value, np.uint8), format="bgr24")
    seen = measure(AvFrame(flat.reformat(format="yuvj420p" if full_range else "yuv420p")))
    settings = BlindnessSettings()
    assert (seen.dark_level < settings.black_level) == black
    assert (seen.light_level > settings.overexposed_level) == overexposed
