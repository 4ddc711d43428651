"""Looks: from the answers to a batch to calibrated probabilities and alarms."""

from __future__ import annotations

import numpy as np
import pytest

from edge_resnet.classifier import Scores
from edge_resnet.manifest import AlarmSpec, InputSpec, ModelSpec
from runtime.look import looks
from runtime.sources.frame import Frame

MODEL = ModelSpec(
    labels=("normal", "smoke", "fire"),
    background=("normal",),
    input=InputSpec(height=32, width=64),
    temperature=2.0,
    alarms={"burning": AlarmSpec(classes=("fire", "smoke"))},
)
FRAMES = [
    Frame(np.zeros((90, 160, 3), np.uint8), 1.5, 7, camera="yard"),
    Frame(np.zeros((90, 160, 3), np.uint8), 0.5, 2, camera="hall"),
]


def test_probabilities_are_calibrated_and_summed_by_alarm_for_each_frame_of_a_batch() -> None:
    logits = np.array([[0.0, 2.0 * np.log(2.0), 2.0 * np.log(5.0)], [9.0, 0.0, 0.0]], np.float32)
    yard, hall = looks(MODEL, FRAMES, Scores(logits, logits[:, :, np.newaxis, np.newaxis]))
    assert yard.probabilities == pytest.approx({"normal": 1 / 8, "smoke": 2 / 8, "fire": 5 / 8})
    assert yard.alarms == pytest.approx({"burning": 7 / 8})
    assert (yard.camera, yard.label, yard.time_s, yard.index, yard.cam.shape) == ("yard", "fire", 1.5, 7, (3, 1, 1))
    assert (hall.camera, hall.label, hall.time_s, hall.index) == ("hall", "normal", 0.5, 2)
