"""The same frames raise the same events, at the same looks, whichever engine classified them."""

from __future__ import annotations

import numpy as np
import pytest

from edge_resnet.probability import softmax, sum_of_classes
from runtime.backends import open_backend
from runtime.judge import Judge, Target
from runtime.look import looks
from runtime.rule import Change, Rule
from runtime.rule_settings import RuleSettings
from runtime.sources.frame import Frame
from tests.parity.conftest import FRAMES, SPEC, Exported

_LOOKS_A_FRAME, _PERIOD_S = 15, 0.2
# Each frame is seen for three seconds; in this order high and low ones alternate as they come.
_STREAM = [number for number in range(len(FRAMES)) for _ in range(_LOOKS_A_FRAME)]


def threshold(exported: Exported) -> float:
    """In the widest gap between the frames' probabilities, so that no rounding of an engine crosses it."""
    with open_backend("onnxruntime", exported.bundle, "fp32", "cpu") as backend:
        logits = backend.infer(FRAMES).logits
    values = np.sort(sum_of_classes(softmax(logits, SPEC.temperature), SPEC.class_indices("fire")))
    middle = values[len(values) // 4 : -len(values) // 4]
    gap = int(np.argmax(np.diff(middle)))
    return float(middle[gap] + middle[gap + 1]) / 2


def events(exported: Exported, backend_name: str, limit: float) -> list[tuple[str, str | None, float, float]]:
    with open_backend(backend_name, exported.bundle, "fp32", "cpu") as backend:
        scores = backend.infer(FRAMES)
    settings = RuleSettings(threshold=limit, mean_threshold=limit, low_threshold=limit, quiet_s=1.0, cooldown_s=0.5)
    judge = Judge(SPEC, {Target("fire"): Rule(settings)}, {})
    frames = [Frame(FRAMES[number], index * _PERIOD_S, index, camera="yard") for index, number in enumerate(_STREAM)]
    shown = type(scores)(scores.logits[_STREAM], scores.cam[_STREAM])
    judged = [each for look in looks(SPEC, frames, shown) for each in judge.look(look, lambda alarm: True)]
    return [
        (str(each.target), each.label, each.transition.time_s, each.transition.episode.started_s)
        for each in [*judged, *judge.finish()]
        if each.transition.change in (Change.RAISED, Change.CLEARED) and each.transition.episode
    ]


@pytest.mark.parametrize("backend", ["openvino", "opencv", "torch"])
def test_every_engine_raises_and_clears_at_the_same_looks(exported: Exported, backend: str) -> None:
    limit = threshold(exported)
    expected = events(exported, "onnxruntime", limit)
    assert len(expected) >= 4
    assert events(exported, backend, limit) == expected
