"""What is measured on a picture: levels that are so, a sharpness that only blur brings down."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from runtime.cameras.measure import measure
from runtime.cameras.sight import SHARPNESS_FLOOR
from runtime.sources.frame import Image


def scene(height: int = 480, width: int = 640, contrast: float = 1.0) -> Image:
    """A drawn yard: boxes and poles with edges as sharp as a lens makes them."""
    random = np.random.default_rng(5)
    picture = np.full((height, width, 3), 110.0, np.float32)
    for _ in range(200):
        x, y = random.integers(0, width), random.integers(0, height)
        size = random.integers(max(3, width // 80), width // 16, 2)
        picture[y : y + size[1], x : x + size[0]] = 110 + contrast * random.uniform(-90, 90)
    return np.clip(cv2.GaussianBlur(picture, (0, 0), width / 640 * 0.7), 0, 255).astype(np.uint8)


def blurred(image: Image, share: float) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), share * image.shape[1]), np.uint8)


def noisy(image: Image, sigma: float, seed: int = 0) -> Image:
    grain = np.random.default_rng(seed).normal(0, sigma, image.shape)
    return np.clip(image + grain, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("size", "points"), [((1080, 1920), (90, 160)), ((480, 640), (96, 160)), ((40, 48), (40, 48)), ((1, 1), (1, 1))]
)
def test_the_points_are_single_pixels_of_the_picture(size: tuple[int, int], points: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    grey = random.integers(0, 255, size, np.uint8)
    seen = measure(np.repeat(grey[:, :, None], 3, axis=2))
    assert seen.points.shape == points
    rows, columns = max(1, size[0] // 90), max(1, size[1] // 160)
    np.testing.assert_array_equal(seen.points, grey[::rows, ::columns])


def test_levels_leave_out_two_points_of_a_hundred() -> None:
    picture = np.full((480, 640, 3), 10, np.uint8)
    picture[:5] = 255
    assert measure(picture).dark_level < 12
    picture[:40] = 255
    assert measure(picture).dark_level > 200
    white = np.full((480, 640, 3), 250, np.uint8)
    white[:5] = 0
    assert measure(white).light_level > 245


@pytest.mark.parametrize("height", [240, 480, 1080])
def test_blur_brings_the_sharpness_down_at_every_size_and_contrast(height: int) -> None:
    for contrast in (1.0, 0.5):
        picture = noisy(scene(height, height * 4 // 3, contrast), 1.5)
        usual = measure(picture).sharpness
        assert usual > 5 * SHARPNESS_FLOOR
        assert measure(blurred(picture, 0.005)).sharpness < 0.25 * usual
        assert measure(blurred(picture, 0.015)).sharpness < SHARPNESS_FLOOR


def test_noise_does_not_pass_for_sharpness_nor_hide_it() -> None:
    sharp, soft = scene(), blurred(scene(), 0.012)
    assert measure(noisy(soft, 6.0)).sharpness < SHARPNESS_FLOOR
    assert measure(noisy(sharp, 6.0)).sharpness > 0.4 * measure(sharp).sharpness


def test_a_covered_lens_is_not_sharp() -> None:
    grey = np.full((480, 640, 3), 90, np.uint8)
    assert measure(grey).sharpness < SHARPNESS_FLOOR
    assert measure(noisy(grey, 2.0)).sharpness < SHARPNESS_FLOOR
