"""The wall: the pictures of all cameras in one, each under its name and state; grey where a camera is blind.

It is for people's eyes alone. Nothing of it ever reaches the model.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from edge_resnet.overlay import ALARM, BOLD, DARK, GREY, REGULAR, WHITE, text_width, write
from runtime.service.status import BoxStatus, CameraStatus
from runtime.sources.frame import Frame, Image

# BGR.
_LIVE, _BLIND, _PLACEHOLDER = (120, 190, 90), (60, 160, 235), (70, 70, 70)
_GAP_PX, _BORDER_PX = 2, 4
# Height of a tile's head as a share of the tile's, within what can be read and what takes room (pixels).
_HEAD_SHARE, _MIN_HEAD_PX, _MAX_HEAD_PX = 1 / 12, 18, 32
_MIN_TEXT_PX, _MAX_BANNER_PX = 11, 40
# Lines below a blind camera's state: the reason, and what to do.
_WHY_LINES = 3
# In these states frames come, and what they show explains the state; in the others the last picture is of the past.
_STILL_SHOWN = frozenset({"frozen", "black", "overexposed", "out_of_focus"})


class Wall:
    """All cameras in one picture of `width` x `height` pixels, in rows and columns that are near a square.

    `cameras`: how many there will be; the first status tells better.
    """

    def __init__(self, cameras: int = 1, width: int = 1280, height: int = 720) -> None:
        self._width, self._height = width, height
        self._grid = grid(cameras)
        self._pictures: dict[str, Image] = {}

    def fitted(self, frame: Frame) -> Image:
        """The picture of a frame as small as its tile, aspect kept; what is drawn on it then can be read.

        H x W x 3, uint8, BGR. It is made at that size: of a decoded frame that costs a fraction of the whole picture.
        """
        width, height = self._picture_size()
        return _within(frame.fitted(_size_within(frame.shape, width, height)[0]), width, height)

    def put(self, camera: str, image: Image) -> None:
        """The newest picture of a camera, annotated: H x W x 3, uint8, BGR."""
        self._pictures[camera] = _within(image, *self._picture_size())

    def picture(self, status: BoxStatus) -> Image:
        """The wall as it stands: height x width x 3, uint8, BGR. Cameras that the status lacks are forgotten."""
        names = [camera.name for camera in status.cameras]
        self._pictures = {name: image for name, image in self._pictures.items() if name in names}
        self._grid = grid(len(names))
        wall = np.full((self._height, self._width, 3), DARK, np.uint8)
        columns, (width, height) = self._grid[1], self._tile_size()
        for number, camera in enumerate(status.cameras):
            row, column = divmod(number, columns)
            # The last row is centred.
            spare = columns - min(columns, len(names) - row * columns)
            left = column * (width + _GAP_PX) + spare * (width + _GAP_PX) // 2
            top = row * (height + _GAP_PX)
            self._draw_tile(wall[top : top + height, left : left + width], camera)
        return wall

    def _tile_size(self) -> tuple[int, int]:
        rows, columns = self._grid
        return (self._width - _GAP_PX * (columns - 1)) // columns, (self._height - _GAP_PX * (rows - 1)) // rows

    def _picture_size(self) -> tuple[int, int]:
        width, height = self._tile_size()
        return width, height - _head_px(height)

    def _draw_tile(self, tile: Image, camera: CameraStatus) -> None:
        head_px = _head_px(tile.shape[0])
        area = tile[head_px:]
        image = self._pictures.get(camera.name)
        if camera.state == "live" and image is not None:
            _lay(area, image)
        else:
            _lay(area, blind(camera, image, area.shape[1], area.shape[0]))
        _draw_head(tile[:head_px], camera)
        if camera.held:
            cv2.rectangle(tile, (0, 0), (tile.shape[1] - 1, tile.shape[0] - 1), ALARM, _BORDER_PX)


def grid(cameras: int) -> tuple[int, int]:
    """Rows and columns for so many cameras: near a square, rather wide than high."""
    columns = max(1, math.ceil(math.sqrt(cameras)))
    return max(1, math.ceil(cameras / columns)), columns


def blind(camera: CameraStatus, image: Image | None, width: int, height: int) -> Image:
    """What stands for a camera that is not live, at most width x height x 3, uint8, BGR: grey, so that nobody takes it
    for the present, with the state, since when, and why. `image`: its newest picture.
    """
    if image is not None and camera.state in _STILL_SHOWN:
        grey = cv2.cvtColor(_within(image, width, height), cv2.COLOR_BGR2GRAY)
        shown = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    else:
        shown = np.full((height, width, 3), _PLACEHOLDER, np.uint8)
    if camera.state == "live":
        _draw_banner(shown, "no picture yet", "", GREY)
    elif camera.starting:
        _draw_banner(shown, f"STARTING  {_since(camera.since_s)}", "", GREY)
    else:
        words = f"{camera.state.replace('_', ' ').upper()}  {_since(camera.since_s)}"
        _draw_banner(shown, words, camera.why if camera.reason else "", _BLIND)
    return shown


def _draw_banner(picture: Image, words: str, why: str, colour: tuple[int, int, int]) -> None:
    """A dark band above the middle, where neither a caption's bars nor its note are, with a line and why below it."""
    height, width = picture.shape[:2]
    size = _fitting(words, min(_MAX_BANNER_PX, height // 8), width - height // 10)
    small = max(_MIN_TEXT_PX, round(0.55 * size))
    lines, line_px = _wrapped(why, small, width - small), round(1.4 * small)
    band_px = 2 * size + (line_px * len(lines) + round(0.6 * small) if lines else 0)
    top = max(0, (2 * height // 5) - band_px // 2)
    band = picture[top : top + band_px]
    band[:] = cv2.addWeighted(band, 0.25, np.full_like(band, DARK), 0.75, 0.0)
    _write_centred(picture, words, top + round(1.4 * size), size, BOLD, colour)
    for number, line in enumerate(lines):
        _write_centred(picture, line, top + 2 * size + small + number * line_px, small, REGULAR, WHITE)


def _draw_head(head: Image, camera: CameraStatus) -> None:
    """The camera's name at the left; at the right the alarms that are held, else the state."""
    size = max(_MIN_TEXT_PX, round(0.65 * head.shape[0]))
    if camera.held:
        head[:] = ALARM
    words, colour = ("starting", GREY) if camera.starting else (camera.state.replace("_", " "), _BLIND)
    if camera.held:
        words, colour = f"ALARM {' '.join(camera.held)}", WHITE
    elif camera.state == "live":
        colour = _LIVE
    pad, base = size // 2, round(0.72 * head.shape[0])
    words = _shortened(words, size, BOLD, head.shape[1] // 2)
    left = head.shape[1] - pad - text_width(words, size, BOLD)
    name = _shortened(camera.name, size, REGULAR, left - 2 * pad)
    write(head, name, (pad, base), size, REGULAR, WHITE)
    write(head, words, (left, base), size, BOLD, colour)


def _write_centred(
    picture: Image, words: str, base: int, size_px: int, weight: int, colour: tuple[int, int, int]
) -> None:
    words = _shortened(words, size_px, weight, picture.shape[1] - size_px)
    left = (picture.shape[1] - text_width(words, size_px, weight)) // 2
    write(picture, words, (left, base), size_px, weight, colour)


def _fitting(words: str, size_px: int, width: int) -> int:
    """The size, `size_px` or less, at which a line fits into a width; not smaller than can be read."""
    while size_px > _MIN_TEXT_PX and text_width(words, size_px, BOLD) > width:
        size_px -= 1
    return max(_MIN_TEXT_PX, size_px)


def _wrapped(words: str, size_px: int, width: int) -> list[str]:
    """`words` in lines that fit into a width; in the last of at most `_WHY_LINES` what is left, cut off."""
    lines: list[str] = []
    for word in words.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and (len(lines) == _WHY_LINES or text_width(longer, size_px, REGULAR) <= width):
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _shortened(words: str, size_px: int, weight: int, width: int) -> str:
    """`words`, or as much of their beginning as fits into a width."""
    if text_width(words, size_px, weight) <= width:
        return words
    while words and text_width(f"{words}...", size_px, weight) > width:
        words = words[:-1]
    return f"{words.rstrip()}..."


def _head_px(tile_height: int) -> int:
    return round(min(_MAX_HEAD_PX, max(_MIN_HEAD_PX, tile_height * _HEAD_SHARE)))


def _within(image: Image, width: int, height: int) -> Image:
    """`image` as large as fits into width x height, aspect kept, at least a pixel; smaller ones grow."""
    size = _size_within(image.shape[:2], width, height)
    if size == (image.shape[1], image.shape[0]):
        return image
    interpolation = cv2.INTER_AREA if size[0] < image.shape[1] or size[1] < image.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)


def _size_within(shape: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """Width and height of what has a `shape` (height and width) when it is as large as fits into width x height."""
    scale = min(width / shape[1], height / shape[0])
    return max(1, round(scale * shape[1])), max(1, round(scale * shape[0]))


def _lay(area: Image, image: Image) -> None:
    """Lay a picture into the middle of an area, as large as fits."""
    image = _within(image, area.shape[1], area.shape[0])
    top, left = (area.shape[0] - image.shape[0]) // 2, (area.shape[1] - image.shape[1]) // 2
    area[top : top + image.shape[0], left : left + image.shape[1]] = image


def _since(seconds: float) -> str:
    """A duration as a clock counts it: 0:07, 12:40, 3:05:09."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
