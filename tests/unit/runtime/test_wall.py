"""The wall of pictures: who stands where, and that nobody takes a blind camera's picture for the present."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_resnet.overlay import ALARM
from runtime.outputs import wall as wall_module
from runtime.outputs.wall import Wall, blind, grid
from runtime.service.status import BoxStatus, CameraStatus
from runtime.sources.frame import Frame

GREEN = (40, 200, 40)
BLIND = ("stale", "offline", "frozen", "black", "overexposed", "out_of_focus")


def plain(colour: tuple[int, int, int] = GREEN, width: int = 320, height: int = 180) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def box(*cameras: CameraStatus) -> BoxStatus:
    return BoxStatus(cameras, 60.0)


def live(name: str, held: tuple[str, ...] = ()) -> CameraStatus:
    return CameraStatus(name, "live", 5.0, held=held)


def places(wall: np.ndarray, colour: tuple[int, int, int]) -> list[tuple[int, int, int, int]]:
    """The boxes (x, y, width, height) of large areas of a colour, from the top left."""
    mask = (wall == np.array(colour, np.uint8)).all(axis=2).astype(np.uint8)
    found = cv2.connectedComponentsWithStats(mask)[2][1:]
    boxes = [(int(x), int(y), int(width), int(height)) for x, y, width, height, area in found if area > 1000]
    return sorted(boxes, key=lambda box: (box[1], box[0]))


@pytest.mark.parametrize(
    ("cameras", "rows_columns"),
    [
        (0, (1, 1)),
        (1, (1, 1)),
        (2, (1, 2)),
        (3, (2, 2)),
        (4, (2, 2)),
        (5, (2, 3)),
        (9, (3, 3)),
        (10, (3, 4)),
        (16, (4, 4)),
    ],
)
def test_the_grid_is_near_a_square(cameras: int, rows_columns: tuple[int, int]) -> None:
    assert grid(cameras) == rows_columns


@given(st.integers(1, 400))
def test_the_grid_has_room_for_all_and_no_empty_row(cameras: int) -> None:
    rows, columns = grid(cameras)
    assert (rows - 1) * columns < cameras <= rows * columns


def test_each_camera_stands_in_its_place_in_the_order_of_the_status() -> None:
    wall, colours = Wall(4), [(10, 200, 10), (200, 10, 10), (10, 10, 120), (200, 200, 10)]
    for number in (2, 0, 3, 1):
        wall.put(f"yard/{number}", plain(colours[number]))
    picture = wall.picture(box(*(live(f"yard/{number}") for number in range(4))))
    assert picture.shape == (720, 1280, 3)
    centres = [(360 - 180 + 15, 320), (360 - 180 + 15, 960), (540 + 15, 320), (540 + 15, 960)]
    assert [tuple(picture[centre].tolist()) for centre in centres] == colours


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (240, 640), (16, 9), (3840, 500)])
@pytest.mark.parametrize("cameras", [1, 2, 5])
def test_a_picture_keeps_its_shape_and_fills_its_tile(width: int, height: int, cameras: int) -> None:
    wall = Wall(cameras)
    wall.put("yard/0", plain(width=width, height=height))
    ((_, _, shown_width, shown_height),) = places(
        wall.picture(box(*(live(f"yard/{n}") for n in range(cameras)))), GREEN
    )
    assert shown_width / shown_height == pytest.approx(width / height, rel=0.02)
    rows, columns = grid(cameras)
    tile_width, tile_height = 1280 / columns, 720 / rows
    assert shown_width > 0.99 * tile_width - 3 or shown_height > 0.9 * tile_height
    assert shown_width <= tile_width
    assert shown_height <= tile_height


def test_what_is_drawn_on_a_fitted_picture_is_not_shrunk_again() -> None:
    wall = Wall(16)
    fitted = wall.fitted(Frame(plain(width=1920, height=1080), 0.0, 0))
    # A line of one pixel, as thin letters have.
    fitted[50] = (255, 0, 255)
    wall.put("yard/0", fitted)
    picture = wall.picture(box(*(live(f"yard/{number}") for number in range(16))))
    magenta = (picture == (255, 0, 255)).all(axis=2)
    assert magenta.sum() == fitted.shape[1]


@pytest.mark.parametrize("state", BLIND)
def test_a_blind_camera_has_no_colours_of_the_scene(state: str) -> None:
    wall = Wall(1)
    wall.put("yard/0", plain())
    picture = wall.picture(box(CameraStatus("yard/0", state, 12.0, why="no answer")))
    assert not places(picture, GREEN)
    # What follows is live again, and the old picture is not lost.
    assert places(wall.picture(box(live("yard/0"))), GREEN)


@pytest.mark.parametrize(("state", "shown"), [(state, state not in ("stale", "offline")) for state in BLIND])
def test_the_last_picture_is_shown_grey_only_while_frames_come(state: str, shown: bool) -> None:
    scene = plain((0, 0, 0))
    scene[:, 160:] = 255
    picture = blind(CameraStatus("yard/0", state, 12.0), scene, 320, 180)
    # Below the banner: the scene's edge, or nothing.
    row = picture[170, :, 0].astype(int)
    assert (row[300] - row[20] == 255) == shown
    assert (picture[170] == picture[170, :, :1]).all()


def test_the_banner_tells_state_and_reason() -> None:
    bare = blind(CameraStatus("yard/0", "offline", 12.0), None, 320, 180)
    later = blind(CameraStatus("yard/0", "offline", 13.0), None, 320, 180)
    why = blind(CameraStatus("yard/0", "offline", 12.0, why="no answer"), None, 320, 180)
    other = blind(CameraStatus("yard/0", "stale", 12.0), None, 320, 180)
    for picture in (later, why, other):
        assert (picture != bare).any()


def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written onto pictures from now on, in order."""
    words: list[str] = []
    monkeypatch.setattr(wall_module, "write", lambda picture, text, *rest: words.append(text))
    return words


def test_why_begins_with_the_reason_and_is_broken_into_lines_at_words(monkeypatch: pytest.MonkeyPatch) -> None:
    words = written(monkeypatch)
    why = "unauthorised; check user and password of the camera"
    blind(CameraStatus("yard/0", "offline", 12.0, why=why), None, 240, 160)
    state, *lines = words
    assert state == "OFFLINE  0:12"
    assert 1 < len(lines) <= 3
    assert " ".join(lines) == why


def test_a_why_that_is_too_long_is_cut_in_its_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    words = written(monkeypatch)
    blind(CameraStatus("yard/0", "offline", 12.0, why="refused; " + "is it on? " * 50), None, 240, 160)
    assert len(words) == 4
    assert words[1].startswith("refused; is it on?")
    assert words[3].endswith("...")


def test_a_camera_that_has_not_come_yet_is_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    words = written(monkeypatch)
    Wall(1).picture(box(CameraStatus("yard/0", "offline", 3.0, why="starting")))
    assert words == ["STARTING  0:03", "yard/0", "starting"]


def test_a_held_alarm_frames_its_tile_and_no_other_even_when_the_camera_is_blind() -> None:
    wall = Wall(2)
    wall.put("yard/0", plain())
    picture = wall.picture(box(live("yard/0"), CameraStatus("yard/1", "offline", 3.0, held=("fire",))))
    red = (picture == ALARM).all(axis=2)
    assert not red[:, :639].any()
    assert red[:, 642].all()
    assert red[-1, 642:].all()


def test_a_camera_that_is_gone_is_forgotten_and_the_others_move_up() -> None:
    wall = Wall(2)
    wall.put("yard/0", plain((200, 10, 10)))
    wall.put("yard/1", plain())
    picture = wall.picture(box(live("yard/1")))
    assert not places(picture, (200, 10, 10))
    assert places(picture, GREEN)[0][2] > 1000
    # Added anew, it has no picture yet.
    assert not places(wall.picture(box(live("yard/0"), live("yard/1"))), (200, 10, 10))


def test_a_picture_that_was_given_out_does_not_change() -> None:
    wall = Wall(1)
    given_out = wall.picture(box(live("yard/0")))
    before = given_out.copy()
    wall.put("yard/0", plain())
    wall.picture(box(live("yard/0")))
    assert (given_out == before).all()


@pytest.mark.parametrize("cameras", [0, 1, 7, 60, 400])
def test_any_number_of_cameras_in_any_state_fits(cameras: int) -> None:
    wall = Wall(cameras)
    states = [
        CameraStatus(
            f"Süd\n{'x' * (number % 90)}", ("live", *BLIND)[number % 7], 10.0 ** (number % 9), why="w" * number
        )
        for number in range(cameras)
    ]
    for number, state in enumerate(states):
        if number % 3:
            wall.put(state.name, plain(width=1 + number, height=1 + number % 7))
    assert wall.picture(box(*states)).shape == (720, 1280, 3)
