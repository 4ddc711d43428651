"""A window in which a person clicks the corners of a zone on a picture."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from edge_resnet import overlay
from edge_resnet.errors import UserError
from edge_resnet.preprocess import Frame

# The picture fills about this much of a screen; on it a small stream's corners can be hit too.
_WIDTH_PX, _HEIGHT_PX = 1280, 720
_FEWEST = 3
_DOT_PX = 4
_WAIT_MS = 30
_ENTER, _BACK, _LEAVE = frozenset({10, 13}), frozenset({8, 127}), frozenset({27})
_NO_KEY = -1
_HELP = "left click: a corner; right click, backspace: take it back; Enter: save; Esc: leave"


@dataclass
class Corners:
    """The corners that were clicked so far, on a `picture` that is shown at `size` (width, height in pixels)."""

    picture: Frame
    name: str
    size: tuple[int, int]
    corners: list[tuple[float, float]] = field(default_factory=list, init=False)
    pointer: tuple[int, int] | None = field(default=None, init=False)

    def mouse(self, event: int, x: int, y: int, flags: int = 0, data: object = None) -> None:
        """What OpenCV tells of the mouse: x and y in pixels of the window."""
        self.pointer = x, y
        if event == cv2.EVENT_LBUTTONDOWN:
            self.corners.append(self._share(x, y))
        elif event == cv2.EVENT_RBUTTONDOWN:
            self.take_back()

    def take_back(self) -> None:
        """Forget the corner that was clicked last."""
        if self.corners:
            self.corners.pop()

    @property
    def complete(self) -> bool:
        """Whether they are a polygon."""
        return len(self.corners) >= _FEWEST

    def drawn(self) -> Frame:
        """The picture with the polygon as it would be with a corner at the pointer."""
        shown = cv2.resize(self.picture, self.size, interpolation=cv2.INTER_AREA).astype(np.uint8)
        at = [] if self.pointer is None or not self.corners else [self._share(*self.pointer)]
        overlay.draw_zone(shown, [*self.corners, *at], self.name)
        for x, y in self.corners:
            cv2.circle(
                shown, (round(x * self.size[0]), round(y * self.size[1])), _DOT_PX, overlay.ZONE, -1, cv2.LINE_AA
            )
        overlay.draw_hint(shown, _HELP)
        return shown

    def _share(self, x: int, y: int) -> tuple[float, float]:
        width, height = self.size
        return min(1.0, max(0.0, x / width)), min(1.0, max(0.0, y / height))


def click(picture: Frame, name: str, title: str) -> tuple[tuple[float, float], ...]:
    """Let a person click the corners of a zone called `name`: x, y, 0..1 from the top left; none when they leave.

    Raises UserError where no window can be opened.
    """
    from runtime.outputs.window import check_display

    try:
        check_display()
    except UserError as error:
        raise UserError(
            'no screen to click on: give the corners with --points "0.1,0.2 0.5,0.2 0.5,0.9", as shares of width and '
            "height or in pixels; --out picture.png shows them"
        ) from error
    shown = Corners(picture, name, _fitting(picture))
    cv2.namedWindow(title, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
    try:
        cv2.setMouseCallback(title, shown.mouse)
        cv2.imshow(title, shown.drawn())
        while cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) >= 1:
            cv2.imshow(title, shown.drawn())
            pressed = cv2.waitKey(_WAIT_MS)
            key = _NO_KEY if pressed == _NO_KEY else pressed & 0xFF
            if key in _ENTER and shown.complete:
                return tuple(shown.corners)
            if key in _BACK:
                shown.take_back()
            if key in _LEAVE:
                break
        return ()
    finally:
        cv2.destroyAllWindows()


def _fitting(picture: Frame) -> tuple[int, int]:
    """Width and height at which the whole picture fits the window."""
    height, width = picture.shape[:2]
    scale = min(_WIDTH_PX / width, _HEIGHT_PX / height)
    return max(1, round(width * scale)), max(1, round(height * scale))
