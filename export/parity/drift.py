"""Preprocessing drift: how far the answers move when a picture is resized in another way than the model's.

The network is trained, calibrated and proven on one preprocessing (edge_resnet.preprocess). Whoever runs the ONNX file
with code of his own resizes as his library does; this tells what that costs. It is never a verdict on an engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from edge_resnet.classifier import Classifier
from edge_resnet.errors import PictureError
from edge_resnet.geometry import Box
from edge_resnet.manifest import ModelSpec
from edge_resnet.pictures import read_picture
from edge_resnet.preprocess import Frame, Preprocess
from edge_resnet.probability import softmax

Way = Callable[[Frame, Preprocess], Frame]
# Of a picture to width and height in pixels.
Resize = Callable[[Frame, int, int], Frame]

# Each goes through the reference four times, which on a processor takes a tenth of a second at 224 x 224.
MAX_PICTURES = 32
_BATCH = 16
# What torchvision's preset for classification does: the shorter side to 256, then the middle 224 x 224.
_PRESET_MARGIN = 256 / 224


@dataclass(frozen=True)
class Drift:
    """What another way of resizing does to the probabilities of `n` pictures (calibrated, 0..1).

    `largest`: the largest |d probability| over pictures and classes. `mean`: over pictures, of the largest over
    classes. `changed`: the share of pictures with another top-1.
    """

    way: str
    n: int
    largest: float
    mean: float
    changed: float

    def to_json(self) -> dict[str, Any]:
        """The figures as types of JSON."""
        return asdict(self)


def measure(
    classifier: Classifier, spec: ModelSpec, paths: Sequence[Path], progress: Callable[[int, int], None] | None = None
) -> tuple[Drift, ...]:
    """Compare the model's preprocessing with others' on MAX_PICTURES of `paths`, evenly spread, through `classifier`.

    Pictures that cannot be read are passed over; without any there is nothing to tell. Raises BackendError.
    """
    spread = np.linspace(0, len(paths) - 1, min(len(paths), MAX_PICTURES)).round().astype(np.int64)
    chosen = [paths[place] for place in spread]
    expected: list[npt.NDArray[np.float64]] = []
    others: dict[str, list[npt.NDArray[np.float64]]] = {way: [] for way in WAYS}
    for start in range(0, len(chosen), _BATCH):
        pictures = _readable(chosen[start : start + _BATCH])
        if not pictures:
            continue
        expected.append(_probabilities(classifier, spec, pictures, lambda frame, preprocess: preprocess(frame)))
        for name, way in WAYS.items():
            others[name].append(_probabilities(classifier, spec, pictures, way))
        if progress is not None:
            progress(min(start + _BATCH, len(chosen)), len(chosen))
    if not expected:
        return ()
    return tuple(_drift(name, np.concatenate(expected), np.concatenate(parts)) for name, parts in others.items())


def _readable(paths: Sequence[Path]) -> list[Frame]:
    pictures = []
    for path in paths:
        try:
            pictures.append(read_picture(path))
        except PictureError:
            continue
    return pictures


def _probabilities(
    classifier: Classifier, spec: ModelSpec, pictures: Sequence[Frame], way: Way
) -> npt.NDArray[np.float64]:
    frames = np.stack([way(picture, spec.input.preprocess) for picture in pictures])
    return softmax(classifier.infer(frames).logits, spec.temperature)


def _drift(way: str, expected: npt.NDArray[np.float64], found: npt.NDArray[np.float64]) -> Drift:
    moved = np.abs(found - expected).max(axis=1)
    changed = found.argmax(1) != expected.argmax(1)
    return Drift(way, len(expected), float(moved.max()), float(moved.mean()), float(changed.mean()))


def _in_place_of_ours(resize: Resize) -> Way:
    """The model's own geometry (what is cut, what gets bars), with another interpolation."""

    def way(frame: Frame, preprocess: Preprocess) -> Frame:
        source, target = preprocess.boxes(*frame.shape[:2])
        canvas: Frame = preprocess(frame).copy()
        target.of(canvas)[:] = resize(source.of(frame), target.width, target.height)
        return canvas

    return way


def _antialiased(picture: Frame, width: int, height: int) -> Frame:
    """Pillow's bilinear filter, which widens with the scale, as torchvision's does by default."""
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR), np.uint8)


def _linear(picture: Frame, width: int, height: int) -> Frame:
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _preset(frame: Frame, preprocess: Preprocess) -> Frame:
    """torchvision's preset for classification, for an input of any size: what is outside the middle is lost."""
    height, width = frame.shape[:2]
    scale = _PRESET_MARGIN * max(preprocess.height / height, preprocess.width / width)
    covering = _antialiased(frame, round(width * scale), round(height * scale))
    top, left = (covering.shape[0] - preprocess.height) // 2, (covering.shape[1] - preprocess.width) // 2
    middle: Frame = Box(left, top, preprocess.width, preprocess.height).of(covering)
    return middle


WAYS: dict[str, Way] = {
    "Pillow, bilinear with antialias": _in_place_of_ours(_antialiased),
    "OpenCV, INTER_LINEAR": _in_place_of_ours(_linear),
    "torchvision's preset: resize 256, centre crop 224": _preset,
}
