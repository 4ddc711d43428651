"""Clicking the corners of a zone: what the mouse and the keys do, without a screen."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_resnet.cli import corners
from edge_resnet.cli.corners import Corners, click
from edge_resnet.errors import UserError

PICTURE = np.full((240, 320, 3), 90, np.uint8)
ENTER, BACKSPACE, ESCAPE = 13, 8, 27
LEFT, RIGHT, MOVE = cv2.EVENT_LBUTTONDOWN, cv2.EVENT_RBUTTONDOWN, cv2.EVENT_MOUSEMOVE


class Screen:
    """What OpenCV's window would do: `script` is what a person does, one step at a time; then it is closed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, script: list[int | tuple[int, int, int]]) -> None:
        self.script, self.pictures = script, 0
        monkeypatch.setattr("runtime.outputs.window.check_display", lambda: None)
        for name in ("namedWindow", "destroyAllWindows"):
            monkeypatch.setattr(cv2, name, lambda *_: None)
        monkeypatch.setattr(cv2, "imshow", self.show)
        monkeypatch.setattr(cv2, "setMouseCallback", self.listen)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1.0 if self.script else 0.0)
        monkeypatch.setattr(cv2, "waitKey", self.wait)

    def show(self, title: str, image: np.ndarray) -> None:
        self.pictures += 1

    def listen(self, title: str, mouse: object) -> None:
        self.mouse = mouse

    def wait(self, ms: int) -> int:
        step = self.script.pop(0)
        if isinstance(step, int):
            return step
        self.mouse(*step, 0, None)  # type: ignore[operator]
        return -1


def clicked(monkeypatch: pytest.MonkeyPatch, *script: int | tuple[int, int, int]) -> tuple[tuple[float, float], ...]:
    Screen(monkeypatch, list(script))
    return click(PICTURE, "ramp", "zones of yard/gate")


def test_clicks_are_corners_as_shares_of_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    # The picture is shown at 960x720.
    found = clicked(monkeypatch, (LEFT, 96, 72), (MOVE, 300, 300), (LEFT, 480, 72), (LEFT, 480, 360), ENTER)
    assert found == ((0.1, 0.1), (0.5, 0.1), (0.5, 0.5))


def test_corners_are_taken_back_by_the_mouse_and_by_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = [(LEFT, 900, 700), (RIGHT, 0, 0), (LEFT, 901, 700), BACKSPACE]
    found = clicked(monkeypatch, *wrong, (LEFT, 96, 72), (LEFT, 480, 72), (LEFT, 480, 360), ENTER)
    assert found == ((0.1, 0.1), (0.5, 0.1), (0.5, 0.5))


def test_two_corners_are_no_zone_and_enter_waits_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    found = clicked(monkeypatch, (LEFT, 96, 72), (LEFT, 480, 72), ENTER, (LEFT, 480, 360), ENTER)
    assert len(found) == 3


@pytest.mark.parametrize("end", [[ESCAPE], []])
def test_escape_and_the_close_button_leave_without_a_zone(monkeypatch: pytest.MonkeyPatch, end: list[int]) -> None:
    assert clicked(monkeypatch, (LEFT, 96, 72), (LEFT, 480, 72), (LEFT, 480, 360), *end) == ()


def test_a_click_beside_the_picture_is_on_its_edge() -> None:
    shown = Corners(PICTURE, "ramp", (960, 720))
    shown.mouse(LEFT, -5, 900)
    assert shown.corners == [(0.0, 1.0)]


def test_the_polygon_follows_the_pointer() -> None:
    shown = Corners(PICTURE, "ramp", (960, 720))
    empty = shown.drawn()
    for x, y in ((96, 72), (480, 72)):
        shown.mouse(LEFT, x, y)
    shown.mouse(MOVE, 480, 360)
    here = shown.drawn()
    assert here.shape == (720, 960, 3)
    assert (here[200, 470:490] != empty[200, 470:490]).any(), "an edge leads to the pointer"
    shown.mouse(MOVE, 700, 360)
    assert (shown.drawn()[200, 470:490] == empty[200, 470:490]).all()


def test_without_a_screen_the_other_way_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(UserError, match="no screen to click on: give the corners with --points"):
        corners.click(PICTURE, "ramp", "zones")
