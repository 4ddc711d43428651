"""What is drawn: heat where the cause is and nowhere else, whatever the resize policy; a calm frame stays clean."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_resnet import overlay
from edge_resnet.overlay import Caption, draw, heat_map, lay_on_frame
from edge_resnet.preprocess import Preprocess, ResizePolicy

CALM = Caption({"normal": 0.97, "fire": 0.03}, frozenset({"fire"}), {})
ALARM = Caption({"normal": 0.05, "fire": 0.95}, frozenset({"fire"}), {"fire": 0.95})


def cam_of(hot: np.ndarray) -> np.ndarray:
    """Two classes: where `hot`, the second is sure; elsewhere the first."""
    return np.stack([np.where(hot, 0.0, 8.0), np.where(hot, 8.0, 0.0)]).astype(np.float32)


def test_heat_is_an_absolute_scale() -> None:
    hot = np.zeros((7, 7), bool)
    hot[2, 3] = True
    sure, calm = heat_map(cam_of(hot), [1], 0.95), heat_map(cam_of(hot), [1], 0.03)
    assert sure[2, 3] == pytest.approx(0.95, abs=0.01)
    assert sure[~hot].max() < 0.01
    # The same map in a frame that is no alarm: cold, not stretched to hot.
    assert calm.max() < 0.04


def test_heat_adds_up_the_classes_of_an_alarm_and_is_calibrated() -> None:
    cam = np.log(np.array([2.0, 1.0, 1.0], np.float32)).reshape(3, 1, 1)
    assert heat_map(cam, [1, 2], 1.0)[0, 0] == pytest.approx(0.5)
    assert heat_map(cam, [1, 2], 1.0, temperature=0.5)[0, 0] == pytest.approx(2 / 6)


@pytest.mark.parametrize("resize", ["stretch", "letterbox", "crop"])
@pytest.mark.parametrize("size", [(360, 640), (640, 360), (1080, 1920), (333, 517)])
def test_heat_lands_on_what_caused_it(resize: ResizePolicy, size: tuple[int, int]) -> None:
    height, width = size
    # A bright patch near the centre of the frame, seen by the network through its preprocessing.
    frame = np.zeros((height, width, 3), np.uint8)
    centre = (int(0.65 * width), int(0.3 * height))
    cv2.circle(frame, centre, min(size) // 9, (255, 255, 255), -1)
    preprocess = Preprocess(224, 224, resize)
    seen = preprocess(frame)
    cells = seen.reshape(14, 16, 14, 16, 3).mean(axis=(1, 3, 4))
    # A letterbox's bars are grey: not bright.
    box, heat = lay_on_frame(heat_map(cam_of(cells > 180), [1], 1.0), preprocess, height, width)
    assert heat.shape == (box.height, box.width)
    rows, columns = np.nonzero(heat > 0.5)
    assert box.x + columns.mean() == pytest.approx(centre[0], abs=width * 0.05)
    assert box.y + rows.mean() == pytest.approx(centre[1], abs=height * 0.05)


def test_a_calm_frame_is_touched_only_by_the_panel() -> None:
    frame = np.full((360, 640, 3), 100, np.uint8)
    picture = draw(frame, CALM, heat_map(cam_of(np.ones((7, 7), bool)), [1], 0.03), Preprocess(224, 224))
    assert (picture[:250] == 100).all()
    assert (picture[250:, 400:] == 100).all()
    assert (picture[250:, :300] != 100).any()
    assert (frame == 100).all()


def test_an_alarm_has_a_banner_and_a_red_bar_longer_than_the_calm_one() -> None:
    frame = np.full((360, 640, 3), 100, np.uint8)
    picture = draw(frame, ALARM, None, Preprocess(224, 224)).astype(int)
    banner = picture[2:20, 400:600]
    assert (banner[..., 2] - banner[..., 1] > 100).all()
    panel = picture[280:350, 10:300]
    red = ((panel[..., 2] - panel[..., 0]) > 100).sum()
    blue = ((panel[..., 0] - panel[..., 2]) > 100).sum()
    assert red > 5 * blue > 0


def test_the_banner_tells_how_high_an_alarm_came_not_how_high_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    words: list[str] = []
    monkeypatch.setattr(overlay, "write", lambda picture, text, *rest: words.append(text))
    later = Caption({"normal": 0.99, "fire": 0.01}, frozenset({"fire"}), {"intruder": 0.998, "fire": 0.7})
    draw(np.full((360, 640, 3), 100, np.uint8), later, None, Preprocess(224, 224))
    assert "ALARM  intruder, up to 100%; fire, up to 70%" in words


@pytest.mark.parametrize(("resize", "x"), [("stretch", 5.5 / 7 * 640), ("crop", 140 + 5.5 / 7 * 360)])
def test_heat_colours_its_place_and_leaves_the_rest(resize: ResizePolicy, x: float) -> None:
    frame = np.full((360, 640, 3), 100, np.uint8)
    hot = np.zeros((7, 7), bool)
    hot[3, 5] = True
    heat = heat_map(cam_of(hot), [1], 0.95)
    picture = draw(frame, CALM, heat, Preprocess(224, 224, resize)).astype(int)
    reddest = picture[180, :, 2] - picture[180, :, 0]
    assert reddest.max() > 40
    assert np.argwhere(reddest > 40).mean() == pytest.approx(x, abs=10)
    assert (picture[:120] == 100).all()


@given(
    st.dictionaries(st.text(min_size=1, max_size=60), st.floats(0.0, 1.0), min_size=1, max_size=8),
    st.integers(16, 200),
    st.integers(16, 300),
    st.text(max_size=80),
)
def test_no_label_note_or_size_breaks_it(labels: dict[str, float], height: int, width: int, note: str) -> None:
    frame = np.zeros((height, width, 3), np.uint8)
    caption = Caption(labels, frozenset(labels), labels, note)
    assert draw(frame, caption, np.ones((4, 4), np.float32), Preprocess(64, 64)).shape == frame.shape


def test_before_the_first_look_there_is_no_panel() -> None:
    frame = np.full((360, 640, 3), 100, np.uint8)
    assert (draw(frame, Caption({}, frozenset(), {}), None, Preprocess(224, 224)) == frame).all()


def test_bars_leave_most_of_a_small_picture_free() -> None:
    many = Caption({f"class {number}": 0.1 for number in range(10)}, frozenset(), {})
    for height, width in ((90, 160), (160, 284), (240, 426), (1080, 1920)):
        frame = np.full((height, width, 3), 100, np.uint8)
        touched = (draw(frame, many, None, Preprocess(224, 224)) != frame).any(axis=2).any(axis=1)
        assert 0 < touched.sum() < 0.45 * height


@pytest.mark.parametrize("height", [240, 360, 1080])
def test_a_zone_is_outlined_with_its_name_and_its_inside_stays_as_it_was(height: int) -> None:
    picture = np.full((height, height * 16 // 9, 3), 100, np.uint8)
    overlay.draw_zone(picture, [(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)], "ramp")
    columns = range(picture.shape[1] // 4 + 3, picture.shape[1] * 3 // 4 - 3)
    edge = picture[round(0.75 * height) - 3 : round(0.75 * height) + 3].astype(int)
    assert (np.abs(edge[:, columns] - overlay.ZONE).sum(axis=2).min(axis=0) < 200).all()
    assert (picture[height // 2 : height // 2 + height // 8, picture.shape[1] // 2] == 100).all()
    assert (picture[: height // 8] == 100).all()


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=6), st.integers(8, 90), st.integers(8, 160))
def test_no_polygon_or_size_breaks_an_outline(corners: list[tuple[float, float]], height: int, width: int) -> None:
    picture = np.zeros((height, width, 3), np.uint8)
    overlay.draw_zone(picture, corners, "a very long name of a zone")
    overlay.draw_hint(picture, "what may be done")
    assert picture.shape == (height, width, 3)


@pytest.mark.parametrize(("resize", "lines"), [("stretch", 8), ("letterbox", 8), ("crop", 8)])
def test_the_edges_of_the_cells_lie_where_the_network_sees_them(resize: ResizePolicy, lines: int) -> None:
    picture = np.zeros((360, 640, 3), np.uint8)
    overlay.draw_cells(picture, 7, 7, Preprocess(224, 224, resize))
    bright = np.flatnonzero(picture[20, :, 0] > 0) if resize != "letterbox" else np.flatnonzero(picture[100, :, 0] > 0)
    left, right = (140, 500) if resize == "crop" else (0, 640)
    # The last edge of a whole picture lies just outside of it.
    expected = [round(left + number * (right - left) / 7) for number in range(lines)]
    assert bright.tolist() == pytest.approx([x for x in expected if x < 640], abs=1)
    assert picture.max() < 128
