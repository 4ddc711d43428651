"""The window of --display: shows the annotated frames; q, Esc or its close button ends the stream."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from edge_resnet.errors import UserError
from runtime.outputs.output import Output

_QUIT_KEYS = frozenset({ord("q"), ord("Q"), 27})
_PROBE = "import cv2; cv2.namedWindow('probe'); cv2.destroyAllWindows()"
_PROBE_TIMEOUT_S = 20.0


class Window(Output):
    """Shows pictures, and calls `stop` when the person has seen enough."""

    def __init__(self, title: str, stop: Callable[[], None]) -> None:
        self._title = title
        self._stop = stop
        _silence()
        # Without Qt's tool bar.
        cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        self._shown = False

    def picture(self, image: npt.NDArray[np.uint8], time_s: float) -> None:
        if self._shown and cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1:
            self._stop()
            return
        if not self._shown:
            cv2.resizeWindow(self._title, image.shape[1], image.shape[0])
        cv2.imshow(self._title, image)
        self._shown = True
        if cv2.waitKey(1) & 0xFF in _QUIT_KEYS:
            self._stop()

    def close(self) -> None:
        cv2.destroyAllWindows()


def _silence() -> None:
    """Keep Qt, which OpenCV's window is, from writing about fonts and themes into the log."""
    os.environ.setdefault("QT_LOGGING_RULES", "*.debug=false;*.info=false;*.warning=false")


def check_display() -> None:
    """Raise UserError where no window can be opened."""
    if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")) and sys.platform == "linux":
        raise UserError(
            "--display: no screen here (DISPLAY is not set); leave it out, --save out.mp4 makes a clip instead"
        )
    # In a process of its own: without a screen Qt does not raise, it aborts the whole process.
    try:
        probe = subprocess.run(
            [sys.executable, "-c", _PROBE], capture_output=True, timeout=_PROBE_TIMEOUT_S, check=False
        )
        works = probe.returncode == 0
    except subprocess.TimeoutExpired:
        works = False
    if not works:
        raise UserError(
            "--display: OpenCV cannot open a window here (opencv-python-headless, or the screen refuses); "
            "leave it out, --save out.mp4 makes a clip instead"
        )
