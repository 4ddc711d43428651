"""A look: preprocessing, classifier, calibration, alarms."""

from __future__ import annotations

import numpy as np
import pytest

from edge_resnet.classifier import Scores
from edge_resnet.errors import BackendError
from edge_resnet.manifest import AlarmSpec, InputSpec, ModelSpec
from runtime.look import Examiner
from runtime.sources.frame import Frame

MODEL = ModelSpec(
    labels=("normal", "smoke", "fire"),
    background=("normal",),
    input=InputSpec(height=32, width=64),
    temperature=2.0,
    alarms={"burning": AlarmSpec(classes=("fire", "smoke"))},
)
FRAME = Frame(np.zeros((90, 160, 3), np.uint8), 1.5, 7)


class Fixed:
    """Answers always the same, and keeps what it was asked."""

    def __init__(self, *logits: float) -> None:
        self.logits = np.array([logits], np.float32)
        self.asked: tuple[int, ...] = ()

    def infer(self, frames: np.ndarray) -> Scores:
        self.asked = frames.shape
        return Scores(self.logits, self.logits[:, :, np.newaxis, np.newaxis])


def test_probabilities_are_calibrated_and_summed_by_alarm() -> None:
    classifier = Fixed(0.0, 2.0 * np.log(2.0), 2.0 * np.log(5.0))
    look = Examiner(classifier, MODEL).look(FRAME)
    assert classifier.asked == (1, 32, 64, 3)
    assert look.probabilities == pytest.approx({"normal": 1 / 8, "smoke": 2 / 8, "fire": 5 / 8})
    assert look.alarms == pytest.approx({"burning": 7 / 8})
    assert (look.label, look.time_s, look.index, look.cam.shape) == ("fire", 1.5, 7, (3, 1, 1))


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_an_answer_that_is_no_number_is_not_taken_for_a_quiet_night(wrong: float) -> None:
    with pytest.raises(BackendError, match="no numbers"):
        Examiner(Fixed(0.0, wrong, 0.0), MODEL).look(FRAME)
