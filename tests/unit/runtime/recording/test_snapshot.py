"""Snapshots: the picture as it was, and where the alarm comes from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from runtime.look import Look
from runtime.recording.snapshot import encoded, explained
from tests.stand_ins import MODEL
from tests.unit.runtime.stored import event, miss

ZONE = ((0.5, 0.1), (0.95, 0.1), (0.95, 0.9), (0.5, 0.9))


def image(height: int = 480, width: int = 640) -> np.ndarray:
    return np.full((height, width, 3), 90, np.uint8)


def look(fire: float = 0.9) -> Look:
    """Fire in the right half of the picture."""
    cam = np.zeros((2, 4, 8), np.float32)
    cam[1, :, 4:], cam[1, :, :4] = 6.0, -6.0
    return Look("yard", 12.4, 62, {"normal": 1.0 - fire, "fire": fire}, {"fire": fire}, cam, 480, 640)


def changed(picture: np.ndarray, columns: slice) -> float:
    """How far a band of a picture, where there is no text, is from what it was."""
    return float(np.abs(picture[200:280, columns].astype(float) - 90.0).mean())


def test_the_heat_is_where_the_evidence_is() -> None:
    picture = explained(image(), event(), look(), MODEL, None)
    assert changed(picture, slice(400, 600)) > 20.0
    assert changed(picture, slice(10, 250)) == 0.0
    # The banner on top.
    assert picture[5, 5, 2] > 150


def test_a_near_miss_has_no_banner() -> None:
    picture = explained(image(), miss(), look(0.5), MODEL, None)
    assert np.all(picture[5, 5] == 90)


def test_the_zone_whose_evidence_was_judged_is_outlined() -> None:
    seen = replace(event(), zone="gate")
    without, with_zone = (explained(image(), seen, look(), MODEL, zone) for zone in (None, ZONE))
    assert np.any(without[240, 318:323] != with_zone[240, 318:323])


@pytest.mark.parametrize("changes", [{}, {"raised_at": None}])
def test_the_picture_itself_is_not_drawn_on(changes: dict[str, Any]) -> None:
    original = image()
    explained(original, event(**changes), look(), MODEL, None)
    assert np.all(original == 90)


def test_a_jpeg_is_what_it_was() -> None:
    decoded = cv2.imdecode(np.frombuffer(encoded(image(), 85), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == (480, 640, 3)
    assert abs(float(decoded.mean()) - 90.0) < 1.0
    assert len(encoded(np.random.default_rng(0).integers(0, 255, (100, 100, 3)).astype(np.uint8), 30)) < len(
        encoded(np.random.default_rng(0).integers(0, 255, (100, 100, 3)).astype(np.uint8), 95)
    )
