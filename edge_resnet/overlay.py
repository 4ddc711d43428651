"""What is drawn onto a frame for people: where the alarm comes from, the probabilities, a banner while it lasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge_resnet.geometry import Box
from edge_resnet.preprocess import Frame, Preprocess
from edge_resnet.probability import softmax

# BGR. Weights of the font's face.
WHITE, GREY, DARK = (255, 255, 255), (190, 190, 190), (24, 20, 18)
CALM, ALARM = (226, 172, 92), (48, 48, 232)
ZONE = (80, 220, 250)
BOLD, REGULAR = 700, 400
_SANS = "sans"

# From the floor, under which nothing is coloured, to 1: from amber to red, and from no cover to this share.
_HEAT_FLOOR, _HEAT_COVER = 0.35, 0.6
_AMBER, _RED = (0, 190, 255), (20, 20, 235)
_AMBER_TO_RED = np.linspace(_AMBER, _RED, 256).round().astype(np.uint8)[np.newaxis]
# So many classes have a bar, and no more than fit into this share of a small picture's height.
_MAX_BARS, _BARS_SHARE = 5, 1 / 3
# Of the cells' edges.
_FAINT = 0.35
# Bits of a pixel in which corners are given to OpenCV.
_FRACTION = 4
# Text height as a share of the frame's height, within what can be read and what hides the picture (pixels).
_TEXT_SHARE, _MIN_TEXT_PX, _MAX_TEXT_PX = 1 / 30, 11, 48


@dataclass(frozen=True)
class Caption:
    """What the picture says. `probabilities`: by label, 0..1, now. `held`: the alarms that are held, each with the
    highest probability since it was raised, 0..1.

    `alarming`: the labels that belong to an alarm. `note`: a short line in the corner (time, camera), without secrets.
    No probabilities before the first look.
    """

    probabilities: Mapping[str, float]
    alarming: frozenset[str]
    held: Mapping[str, float]
    note: str = ""


def heat_map(
    cam: npt.NDArray[np.float32], classes: Sequence[int], probability: float, temperature: float = 1.0
) -> npt.NDArray[np.float32]:
    """How much each cell speaks for an alarm: h x w, float32, 0..1.

    `cam`: C x h x w, the class activation map (Zhou et al. 2016; its mean is the logits). A cell's heat is the
    probability it would give to the alarm's `classes` if the whole frame looked like it (softmax over the classes at
    this cell), times the `probability` of the alarm in the frame. It is an absolute scale: stretching each map to its
    own minimum and maximum, as is often done, makes noise of a calm frame look as hot as a fire.
    """
    cells = softmax(np.moveaxis(cam, 0, -1), temperature)[..., list(classes)].sum(axis=-1)
    return np.asarray(np.clip(probability * cells, 0.0, 1.0), np.float32)


def lay_on_frame(
    heat: npt.NDArray[np.float32], preprocess: Preprocess, frame_height: int, frame_width: int
) -> tuple[Box, npt.NDArray[np.float32]]:
    """The part of the frame that the network saw, and the heat in it: float32, 0..1, of the box's size in pixels.

    Undoes the resizing: a letterbox's bars fall away, and what a crop cut off has no heat.
    """
    in_frame, in_input = preprocess.boxes(frame_height, frame_width)
    whole = cv2.resize(heat, (preprocess.width, preprocess.height), interpolation=cv2.INTER_CUBIC)
    part = whole[in_input.y : in_input.y + in_input.height, in_input.x : in_input.x + in_input.width]
    laid = cv2.resize(part, (in_frame.width, in_frame.height), interpolation=cv2.INTER_LINEAR)
    # A cubic overshoots beside steep edges.
    return in_frame, np.asarray(np.clip(laid, 0.0, 1.0), np.float32)


def draw(frame: Frame, caption: Caption, heat: npt.NDArray[np.float32] | None, preprocess: Preprocess) -> Frame:
    """A copy of `frame` (H x W x 3, uint8, BGR) with heat (see heat_map; None for none), bars, banner and note."""
    picture: Frame = frame.copy()
    if heat is not None:
        box, laid = lay_on_frame(heat, preprocess, *frame.shape[:2])
        blend_heat(box.of(picture), laid)
    text_px = _text_px(picture)
    if caption.probabilities:
        _draw_bars(picture, caption, text_px)
    if caption.held:
        _draw_banner(picture, caption.held, text_px)
    if caption.note:
        _draw_note(picture, caption.note, text_px)
    return picture


def blend_heat(area: Frame, heat: npt.NDArray[np.float32]) -> None:
    """Colour `area` in place; only the rectangle that has heat is touched, for most of a frame has none."""
    hot = cv2.boundingRect((heat > _HEAT_FLOOR).astype(np.uint8))
    x, y, width, height = hot
    if not width:
        return
    warm = heat[y : y + height, x : x + width]
    part = area[y : y + height, x : x + width]
    strength = (warm - _HEAT_FLOOR).clip(0.0) / (1.0 - _HEAT_FLOOR)
    colours = cv2.LUT(cv2.cvtColor((255 * strength).astype(np.uint8), cv2.COLOR_GRAY2BGR), _AMBER_TO_RED)
    # From nothing at the floor upwards, so that the edge of the heat is no line.
    cover = _HEAT_COVER * strength
    part[:] = cv2.blendLinear(colours, part, cover, 1.0 - cover)


def draw_zone(
    picture: Frame, corners: Sequence[tuple[float, float]], name: str, colour: tuple[int, int, int] = ZONE
) -> None:
    """Outline a polygon in place, its name beside its topmost corner. `corners`: x, y, 0..1 from the top left."""
    if not corners:
        return
    height, width = picture.shape[:2]
    text_px = _text_px(picture)
    thickness = max(1, text_px // 8)
    # OpenCV counts from the middle of the first pixel.
    points = np.rint((np.asarray(corners, np.float64) * (width, height) - 0.5) * (1 << _FRACTION)).astype(np.int32)
    # A dark line under it, so that it is seen on any picture.
    for line, px in ((DARK, thickness + 2), (colour, thickness)):
        cv2.polylines(picture, [points], True, line, px, cv2.LINE_AA, _FRACTION)
    if name:
        left, top = min(corners, key=lambda corner: (corner[1], corner[0]))
        x = min(round(left * width) + thickness, width - text_width(name, text_px, REGULAR) - text_px)
        y = min(round(top * height) + thickness, height - 2 * text_px)
        _draw_label(picture, name, (max(0, x), max(0, y)), text_px)


def draw_cells(picture: Frame, rows: int, columns: int, preprocess: Preprocess) -> None:
    """Draw the edges of the cells of a map of `rows` x `columns` faintly, in place, where the network sees them."""
    seen, target = preprocess.boxes(*picture.shape[:2])
    lines = picture.copy()
    for number in range(columns + 1):
        x = seen.x + round((number / columns * preprocess.width - target.x) / target.width * seen.width)
        if seen.x <= x <= seen.x + seen.width:
            cv2.line(lines, (x, seen.y), (x, seen.y + seen.height), WHITE)
    for number in range(rows + 1):
        y = seen.y + round((number / rows * preprocess.height - target.y) / target.height * seen.height)
        if seen.y <= y <= seen.y + seen.height:
            cv2.line(lines, (seen.x, y), (seen.x + seen.width, y), WHITE)
    cv2.addWeighted(lines, _FAINT, picture, 1.0 - _FAINT, 0.0, dst=picture)


def draw_hint(picture: Frame, words: str) -> None:
    """A line at the bottom left, in place, that says what may be done."""
    size, width = _text_px(picture), picture.shape[1]
    while size > _MIN_TEXT_PX and text_width(words, size, REGULAR) > 0.95 * width:
        size -= 1
    _draw_label(picture, words, (size // 2, max(0, picture.shape[0] - 2 * size - size // 2)), size)


def _text_px(picture: Frame) -> int:
    height: int = picture.shape[0]
    return round(min(_MAX_TEXT_PX, max(_MIN_TEXT_PX, height * _TEXT_SHARE)))


def _draw_label(picture: Frame, words: str, corner: tuple[int, int], text_px: int) -> None:
    """A line of text on a shade, whose top left is at `corner` (x, y)."""
    pad, (x, y) = text_px // 3, corner
    _shade(picture, Box(x, y, text_width(words, text_px, REGULAR) + 2 * pad, text_px + 2 * pad))
    write(picture, words, (x + pad, y + pad + round(0.85 * text_px)), text_px, REGULAR, WHITE)


def _draw_bars(picture: Frame, caption: Caption, text_px: int) -> None:
    """A panel at the bottom left: the most probable classes, each with a bar and its percentage."""
    pad, row_px = text_px // 2, round(1.5 * text_px)
    most = min(_MAX_BARS, max(1, int(picture.shape[0] * _BARS_SHARE / row_px)))
    rows = sorted(caption.probabilities.items(), key=lambda item: -item[1])[:most]
    longest = max(text_width(label, text_px, BOLD) for label, _ in rows)
    label_px, bar_px, number_px = min(longest, 12 * text_px), 6 * text_px, round(2.6 * text_px)
    width = pad * 4 + label_px + bar_px + number_px
    height = pad + row_px * len(rows)
    left, top = pad, max(0, picture.shape[0] - pad - height)
    _shade(picture, Box(left, top, width, height))
    for number, (label, probability) in enumerate(rows):
        base = top + row_px * (number + 1)
        colour = ALARM if label in caption.alarming else CALM
        bar_left = left + 2 * pad + label_px
        write(
            picture,
            label,
            (left + pad, base),
            text_px,
            BOLD if number == 0 else REGULAR,
            WHITE if number == 0 else GREY,
        )
        _bar(picture, Box(bar_left, base - round(0.62 * text_px), bar_px, max(2, text_px // 2)), probability, colour)
        write(picture, f"{probability:.0%}", (bar_left + bar_px + pad, base), text_px, REGULAR, WHITE)


def _draw_banner(picture: Frame, held: Mapping[str, float], text_px: int) -> None:
    """A red band on top that names the alarms: an alarm outlasts the look that raised it, hence how high they came."""
    words = "ALARM  " + "; ".join(f"{alarm}, up to {probability:.0%}" for alarm, probability in held.items())
    size = round(1.5 * text_px)
    while size > _MIN_TEXT_PX and text_width(words, size, BOLD) > picture.shape[1] - 2 * text_px:
        size -= 1
    height = round(1.7 * size)
    band = picture[:height]
    band[:] = cv2.addWeighted(band, 0.15, np.full_like(band, ALARM), 0.85, 0.0)
    cv2.rectangle(picture, (0, 0), (picture.shape[1] - 1, picture.shape[0] - 1), ALARM, max(2, text_px // 6))
    write(picture, words, (text_px, round(1.2 * size)), size, BOLD, WHITE)


def _draw_note(picture: Frame, note: str, text_px: int) -> None:
    """The note at the bottom right."""
    size = max(_MIN_TEXT_PX, round(0.8 * text_px))
    pad = size // 2
    width = text_width(note, size, REGULAR) + 2 * pad
    left, top = max(0, picture.shape[1] - width - pad), max(0, picture.shape[0] - 3 * pad - size)
    _shade(picture, Box(left, top, width, size + pad))
    write(picture, note, (left + pad, top + size), size, REGULAR, GREY)


def _shade(picture: Frame, box: Box) -> None:
    """Darken a box, so that text on it can be read on any picture."""
    area = box.of(picture)
    if area.size:
        area[:] = cv2.addWeighted(area, 0.35, np.full_like(area, DARK), 0.65, 0.0)


def _bar(picture: Frame, box: Box, share: float, colour: tuple[int, int, int]) -> None:
    right, bottom = box.x + box.width, box.y + box.height
    cv2.rectangle(picture, (box.x, box.y), (right, bottom), (90, 84, 80), -1)
    if share > 0:
        cv2.rectangle(picture, (box.x, box.y), (box.x + max(1, round(share * box.width)), bottom), colour, -1)


def write(
    picture: Frame, words: str, base: tuple[int, int], size_px: int, weight: int, colour: tuple[int, int, int]
) -> None:
    """Write a line whose left end is at `base` (x, y: of the foot of its letters); what sticks out is cut off."""
    # A face of OpenCV 5, not Hershey's strokes: labels may be of any alphabet.
    cv2.putText(picture, _printable(words), base, colour, _face(), size_px, weight)


def text_width(words: str, size_px: int, weight: int) -> int:
    """How many pixels a line takes."""
    return int(cv2.getTextSize((0, 0), _printable(words), (0, 0), _face(), size_px, weight)[2])


def _printable(words: str) -> str:
    """Without line breaks, and without the lone surrogates of names that are no UTF-8."""
    return " ".join(words.encode("utf-8", "replace").decode().split())


def _face() -> cv2.FontFace:
    return cv2.FontFace(_SANS)
