"""The window. There is no screen where tests run: OpenCV's window functions are replaced, the refusal is real."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest

from edge_resnet.errors import UserError
from runtime.outputs import window
from runtime.outputs.window import Window, check_display

IMAGE = np.zeros((48, 64, 3), np.uint8)


class Screen:
    """What OpenCV would show; `key` is pressed, `visible` is whether the window is still open."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.key, self.visible, self.shown = -1, 1.0, 0
        monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
        monkeypatch.setattr(cv2, "resizeWindow", lambda *_: None)
        monkeypatch.setattr(cv2, "imshow", self.show)
        monkeypatch.setattr(cv2, "waitKey", lambda _: self.key)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: self.visible)

    def show(self, title: str, image: np.ndarray) -> None:
        self.shown += 1


@pytest.mark.parametrize(("key", "stops"), [(ord("q"), 1), (27, 1), (ord("x"), 0), (-1, 0)])
def test_q_and_escape_end_the_stream(monkeypatch: pytest.MonkeyPatch, key: int, stops: int) -> None:
    screen, stopped = Screen(monkeypatch), []
    screen.key = key
    Window("yard", lambda: stopped.append(1)).picture(IMAGE, 0.0)
    assert (screen.shown, len(stopped)) == (1, stops)


def test_its_close_button_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, stopped = Screen(monkeypatch), []
    output = Window("yard", lambda: stopped.append(1))
    output.picture(IMAGE, 0.0)
    screen.visible = 0.0
    output.picture(IMAGE, 0.1)
    assert (screen.shown, stopped) == (1, [1])


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no DISPLAY")
def test_no_screen_is_told_and_does_not_abort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(UserError, match="no screen here"):
        check_display()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no DISPLAY")
def test_a_screen_that_refuses_is_told_and_does_not_abort(monkeypatch: pytest.MonkeyPatch) -> None:
    # The real thing: Qt aborts the process that opens a window on a display that is not there.
    monkeypatch.setenv("DISPLAY", ":9876")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(UserError, match="cannot open a window"):
        check_display()


def test_a_build_without_windows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    # What opencv-python-headless does.
    monkeypatch.setattr(window, "_PROBE", "raise RuntimeError('The function is not implemented')")
    with pytest.raises(UserError, match="headless"):
        check_display()
