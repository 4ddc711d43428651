"""Measures of pictures whose values are known beforehand."""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
import pytest

from edge_resnet.data.traits import Traits
from edge_resnet.preprocess import Frame, Preprocess
from tests.drawn import picture


def measured(frame: Frame, data: bytes = b"") -> Traits:
    return Traits.measure(data, frame, Preprocess(64, 64)(frame))


def grey(level: int, height: int = 40, width: int = 60) -> Frame:
    return np.full((height, width, 3), level, np.uint8)


def drawn(side: int = 512) -> Frame:
    return np.ascontiguousarray(np.asarray(picture(7, (200, 30, 30), (side, side)))[:, :, ::-1])


@pytest.mark.parametrize("level", [0, 37, 255])
def test_a_plain_picture_has_its_level_and_nothing_else(level: int) -> None:
    traits = measured(grey(level))
    assert (traits.brightness, traits.contrast, traits.sharpness) == (level, 0, 0)
    assert (traits.width, traits.height) == (60, 40)


def test_half_black_half_white() -> None:
    frame = grey(0)
    frame[:, 30:] = 255
    traits = measured(frame)
    assert traits.brightness == traits.contrast == 127.5
    # At the edge the Laplacian is +255 and -255, in 2 of 60 columns; everywhere else it is 0.
    assert traits.sharpness == pytest.approx(255**2 * 2 / 60)


def test_brightness_is_of_the_grey_picture() -> None:
    blue = grey(0)
    blue[:, :, 0] = 255
    # The share of blue in luma (ITU-R BT.601) is 0.114; frames are BGR.
    assert measured(blue).brightness == pytest.approx(0.114 * 255, abs=0.5)


def test_a_blurred_picture_is_less_sharp() -> None:
    sharp = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    sharpness = [measured(cv2.GaussianBlur(sharp, (0, 0), sigma)).sharpness for sigma in (0.5, 1, 2, 4)]
    assert sharpness == sorted(sharpness, reverse=True)
    assert sharpness[0] > 50 * sharpness[-1]


def test_sharpness_does_not_depend_on_a_camera_s_pixels() -> None:
    large, small = measured(drawn(512)), measured(cv2.resize(drawn(512), (256, 256), interpolation=cv2.INTER_AREA))
    assert large.sharpness == pytest.approx(small.sharpness)
    assert (large.width, small.width) == (512, 256)


def test_content_is_the_file_s_and_look_the_picture_s() -> None:
    frame = drawn()
    _, jpeg = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 60])
    again = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
    first, second = measured(frame, b"one"), measured(np.asarray(again, np.uint8), b"two")
    assert first.content == hashlib.sha256(b"one").hexdigest() != second.content
    assert (first.perceptual ^ second.perceptual).bit_count() <= 4
    assert (first.perceptual ^ measured(np.ascontiguousarray(frame[::-1])).perceptual).bit_count() > 10
