"""The one preprocessing: sizes, boxes, and what the policies keep."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_resnet.geometry import Box
from edge_resnet.preprocess import Preprocess


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 255, (height, width, 3), np.uint8)


@given(
    height=st.integers(32, 200),
    width=st.integers(32, 200),
    frame_height=st.integers(1, 300),
    frame_width=st.integers(1, 300),
    policy=st.sampled_from(["stretch", "letterbox", "crop"]),
)
def test_any_frame_becomes_the_input(height: int, width: int, frame_height: int, frame_width: int, policy: str) -> None:
    preprocess = Preprocess(height, width, policy)  # type: ignore[arg-type]
    result = preprocess(noise(frame_height, frame_width))
    assert result.shape == (height, width, 3)
    assert result.dtype == np.uint8
    assert result.flags.c_contiguous
    in_frame, in_input = preprocess.boxes(frame_height, frame_width)
    for box, (limit_height, limit_width) in ((in_frame, (frame_height, frame_width)), (in_input, (height, width))):
        assert box.x >= 0
        assert box.y >= 0
        assert box.width >= 1
        assert box.height >= 1
        assert box.x + box.width <= limit_width
        assert box.y + box.height <= limit_height


def test_shrinking_averages_areas_and_growing_interpolates() -> None:
    frame = noise(200, 320)
    small = Preprocess(50, 80)(frame)
    assert np.array_equal(small, cv2.resize(frame, (80, 50), interpolation=cv2.INTER_AREA))
    large = Preprocess(400, 640)(frame)
    assert np.array_equal(large, cv2.resize(frame, (640, 400), interpolation=cv2.INTER_LINEAR))


def test_letterbox_keeps_the_aspect_ratio_and_adds_bars_of_the_mean_colour() -> None:
    frame = np.full((90, 160, 3), 255, np.uint8)
    result = Preprocess(160, 160, "letterbox")(frame)
    assert (result[35:125] == 255).all()
    assert (result[:35] == (104, 116, 124)).all()  # ImageNet's mean, BGR


def test_crop_keeps_the_centre() -> None:
    frame = np.zeros((90, 160, 3), np.uint8)
    frame[:, 35:125] = 255
    assert Preprocess(90, 160, "crop").boxes(90, 160)[0] == Box(0, 0, 160, 90)
    assert (Preprocess(90, 90, "crop")(frame) == 255).all()


def test_a_frame_of_the_right_size_is_left_alone() -> None:
    frame = noise(64, 96)
    assert np.array_equal(Preprocess(64, 96)(frame), frame)


def test_batches_stack_and_may_be_empty() -> None:
    preprocess = Preprocess(32, 48)
    assert preprocess.batch([noise(10, 10), noise(99, 50)]).shape == (2, 32, 48, 3)
    assert preprocess.batch([]).shape == (0, 32, 48, 3)


@pytest.mark.parametrize("policy", ["stretch", "letterbox", "crop"])
def test_boxes_are_where_the_pixels_really_go(policy: str) -> None:
    preprocess = Preprocess(64, 128, policy)  # type: ignore[arg-type]
    frame = np.zeros((300, 200, 3), np.uint8)
    in_frame, in_input = preprocess.boxes(300, 200)
    in_frame.of(frame)[:] = 255
    assert in_input.of(preprocess(frame)).min() == 255


@given(
    height=st.integers(32, 300),
    width=st.integers(32, 300),
    frame_height=st.integers(1, 2200),
    frame_width=st.integers(1, 4000),
    policy=st.sampled_from(["stretch", "letterbox", "crop"]),
)
def test_a_decoder_leaves_twice_the_pixels_that_are_needed_and_makes_none_up(
    height: int, width: int, frame_height: int, frame_width: int, policy: str
) -> None:
    preprocess = Preprocess(height, width, policy)  # type: ignore[arg-type]
    enough_height, enough_width = preprocess.enough(frame_height, frame_width)
    assert 1 <= enough_height <= frame_height
    assert 1 <= enough_width <= frame_width
    # What was scaled goes to the same place as the whole frame.
    whole, scaled = (
        preprocess.boxes(*size)[1] for size in ((frame_height, frame_width), (enough_height, enough_width))
    )
    assert abs(whole.width - scaled.width) <= max(2, 0.02 * width)
    assert abs(whole.height - scaled.height) <= max(2, 0.02 * height)
    source, target = preprocess.boxes(enough_height, enough_width)
    assert source.width >= min(1.9 * target.width, 0.95 * frame_width * source.width / enough_width) - 2
    assert source.height >= min(1.9 * target.height, 0.95 * frame_height * source.height / enough_height) - 2


@pytest.mark.parametrize(("policy", "size"), [("stretch", (448, 448)), ("letterbox", (252, 448)), ("crop", (448, 796))])
def test_of_a_camera_of_full_hd_so_many_pixels_are_enough(policy: str, size: tuple[int, int]) -> None:
    assert Preprocess(224, 224, policy).enough(1080, 1920) == size  # type: ignore[arg-type]


@pytest.mark.parametrize("policy", ["stretch", "letterbox", "crop"])
def test_a_frame_that_is_small_already_is_left_as_it_is(policy: str) -> None:
    assert Preprocess(224, 224, policy).enough(240, 320) == (240, 320)  # type: ignore[arg-type]
