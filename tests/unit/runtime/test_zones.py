"""A zone's evidence: whose cells it takes, through every way of resizing, and polygons that cannot be judged."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_resnet.errors import UserError
from edge_resnet.geometry import ResizePolicy
from edge_resnet.manifest import InputSpec, ModelSpec
from edge_resnet.preprocess import Preprocess
from edge_resnet.probability import softmax
from runtime.zones import Coverage, Zone, coarse, fault, map_size

WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
POLICIES: tuple[ResizePolicy, ...] = ("stretch", "letterbox", "crop")
FRAMES = st.tuples(st.integers(64, 2000), st.integers(64, 2000))
SIDES = st.sampled_from([224, 240, 256, 288, 320])
SHARE = st.floats(0.0, 1.0)


def model(height: int = 224, width: int = 224, resize: ResizePolicy = "stretch", temperature: float = 1.0) -> ModelSpec:
    given = InputSpec(height=height, width=width, resize=resize)
    return ModelSpec(labels=("normal", "fire", "smoke"), input=given, temperature=temperature)


def some_map(seed: int, height: int = 224, width: int = 224) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 4, (3, *map_size(height, width))).astype(np.float32)


def rectangle(left: float, top: float, right: float, bottom: float) -> tuple[tuple[float, float], ...]:
    return (left, top), (right, top), (right, bottom), (left, bottom)


@given(st.sampled_from(POLICIES), SIDES, SIDES, FRAMES, st.integers(0, 9), st.floats(0.5, 3.0))
def test_the_whole_picture_as_a_zone_is_the_whole_frame(
    resize: ResizePolicy, height: int, width: int, frame: tuple[int, int], seed: int, temperature: float
) -> None:
    cam = some_map(seed, height, width)
    zone = Zone("all", WHOLE, model(height, width, resize, temperature))
    expected = softmax(cam.mean(axis=(1, 2), dtype=np.float64), temperature)
    assert zone.probabilities(cam, *frame) == pytest.approx(expected, abs=1e-5)


@given(st.sampled_from(POLICIES), FRAMES, st.lists(st.tuples(SHARE, SHARE), min_size=3, max_size=9), st.integers(0, 9))
def test_weights_and_probabilities_sum_to_one_whatever_the_polygon(
    resize: ResizePolicy, frame: tuple[int, int], corners: list[tuple[float, float]], seed: int
) -> None:
    covered = Coverage.of(corners, Preprocess(224, 224, resize), frame, (7, 7))
    assert 0.0 <= covered.inside.min() <= covered.inside.max() <= 1.0
    weights = covered.weights()
    assert weights.min() >= 0.0
    assert weights.sum() == pytest.approx(1.0)
    if not fault(corners, model(resize=resize).input):
        found = Zone("any", tuple(corners), model(resize=resize)).probabilities(some_map(seed), *frame)
        assert found.dtype == np.float64
        assert found.sum() == pytest.approx(1.0)


@given(FRAMES, st.sampled_from(POLICIES), st.floats(0.1, 0.9))
def test_two_zones_that_share_the_picture_take_all_of_it_and_nothing_twice(
    frame: tuple[int, int], resize: ResizePolicy, cut: float
) -> None:
    preprocess = Preprocess(224, 224, resize)
    left, right, whole = (
        Coverage.of(polygon, preprocess, frame, (7, 7)).inside
        for polygon in (rectangle(0, 0, cut, 1), rectangle(cut, 0, 1, 1), WHOLE)
    )
    assert left + right == pytest.approx(whole)


@given(st.floats(0.0, 0.5), st.floats(0.0, 0.5), st.floats(0.3, 0.5), st.floats(0.3, 0.5))
def test_a_cell_counts_by_the_share_of_it_that_lies_inside(
    left: float, top: float, width: float, height: float
) -> None:
    inside = Coverage.of(
        rectangle(left, top, left + width, top + height), Preprocess(224, 224), (480, 640), (7, 7)
    ).inside

    def along(start: float, end: float) -> npt.NDArray[np.float64]:
        edges = np.arange(8) / 7
        return np.clip(np.minimum(edges[1:], end) - np.maximum(edges[:-1], start), 0, None) * 7

    # Sixteen points each way: an edge is off by half a point at most.
    assert inside == pytest.approx(np.outer(along(top, top + height), along(left, left + width)), abs=1 / 15)


@given(st.permutations(range(5)), st.integers(0, 4), st.booleans())
def test_the_corner_at_which_it_begins_and_the_way_round_do_not_matter(
    heights: list[int], first: int, backwards: bool
) -> None:
    corners = [(0.1 + 0.2 * number, 0.3 + 0.05 * height) for number, height in enumerate(heights)] + [(0.5, 0.95)]
    turned = corners[first:] + corners[:first]
    areas = [
        Coverage.of(each, Preprocess(224, 224), (480, 640), (7, 7)).inside
        for each in (corners, turned[::-1] if backwards else turned)
    ]
    assert areas[0] == pytest.approx(areas[1])


def test_only_what_is_inside_speaks_and_with_the_temperature() -> None:
    cam = np.zeros((3, 7, 7), np.float32)
    cam[1, 2:4, 4:6] = 6.0
    corner = rectangle(4 / 7, 2 / 7, 6 / 7, 4 / 7)
    assert Zone("hot", corner, model()).probabilities(cam, 480, 640)[1] == pytest.approx(
        softmax(np.array([0, 6.0, 0]))[1]
    )
    soft = Zone("hot", corner, model(temperature=3.0)).probabilities(cam, 480, 640)
    assert soft == pytest.approx(softmax(np.array([0, 6.0, 0]), 3.0))
    beside = Zone("beside", rectangle(0, 0, 3 / 7, 1), model()).probabilities(cam, 480, 640)
    assert beside == pytest.approx([1 / 3, 1 / 3, 1 / 3])


def test_a_crop_and_a_letterbox_move_the_cells_that_a_zone_takes() -> None:
    # Twice as wide as high: a crop sees the middle half, a letterbox is a quarter bar above and below.
    frame = (400, 800)
    right = rectangle(0.5, 0.0, 0.75, 1.0)
    cropped = Coverage.of(right, Preprocess(224, 224, "crop"), frame, (8, 8)).inside
    assert cropped == pytest.approx(np.repeat([[0.0] * 4 + [1.0] * 4], 8, axis=0))
    boxed = Coverage.of(right, Preprocess(224, 224, "letterbox"), frame, (8, 8))
    assert boxed.inside[2:6, 4:6] == pytest.approx(1.0)
    assert boxed.inside.sum() == pytest.approx(8.0)
    assert boxed.bars.sum() == pytest.approx(32.0)
    # The bars keep the half of the whole frame's mean that is theirs; the zone has the other half.
    weights = boxed.weights()
    assert weights[[0, 1, 6, 7]].sum() == pytest.approx(0.5)
    assert weights[2:6, 4:6].sum() == pytest.approx(0.5)


def test_a_camera_that_changes_the_size_of_its_frames_gets_other_weights() -> None:
    zone, cam = Zone("right", rectangle(0.5, 0.0, 0.75, 1.0), model(resize="crop")), np.zeros((3, 7, 7), np.float32)
    cam[1, :, 6] = 9.0
    wide, square, wide_again = (zone.probabilities(cam, *size)[1] for size in ((400, 800), (400, 400), (400, 800)))
    assert wide == wide_again > square


def test_where_a_crop_leaves_nothing_of_a_zone_all_that_is_seen_counts() -> None:
    # Of a film of 4:3 the crop sees it, of one that is three times as wide as high it does not.
    zone, cam = Zone("edge", rectangle(0.13, 0.0, 0.3, 1.0), model(resize="crop")), some_map(1)
    assert zone.probabilities(cam, 300, 900) == pytest.approx(softmax(cam.mean(axis=(1, 2))), abs=1e-5)


@pytest.mark.parametrize(
    ("height", "width", "fine"), [(224, 224, True), (193, 300, True), (192, 300, False), (128, 512, False)]
)
def test_a_map_under_seven_cells_is_refused(height: int, width: int, fine: bool) -> None:
    assert (coarse(model(height, width).input) == "") == fine


def test_a_coarse_map_is_told_with_what_to_do() -> None:
    with pytest.raises(UserError) as told:
        Zone("ramp", WHOLE, model(128, 128))
    assert str(told.value).startswith(
        "zone ramp: input 128x128 gives a map of 4x4 cells, and zones need 7x7: fine-tune"
    )
    assert "--input 224x224" in str(told.value)


@pytest.mark.parametrize(
    ("polygon", "resize", "words"),
    [
        (rectangle(0.5, 0.5, 0.6, 0.6), "stretch", "covers 0.47 of a cell"),
        (rectangle(0.5, 0.5, 0.9, 0.5), "stretch", "covers 0.00 of a cell"),
        (rectangle(0.0, 0.0, 0.1, 1.0), "crop", "outside of what the network sees"),
        (rectangle(0.1, 0.2, 0.3, 0.3), "letterbox", "of a cell"),
    ],
)
def test_a_zone_of_which_the_map_says_nothing_is_refused(
    polygon: tuple[tuple[float, float], ...], resize: ResizePolicy, words: str
) -> None:
    with pytest.raises(UserError, match=f"zone ramp: .*{words}"):
        Zone("ramp", polygon, model(resize=resize))


def test_a_zone_of_one_cell_is_enough() -> None:
    assert fault(rectangle(0.4, 0.4, 0.4 + 1 / 7, 0.4 + 1 / 7 + 0.01), model().input) == ""
