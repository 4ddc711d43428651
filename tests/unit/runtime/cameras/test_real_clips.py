"""Sight and gate on real clips: live cameras stay live, faults are found, and nothing true goes without a look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.backtest.truth import read_truth
from runtime.cameras.gate import Gate
from runtime.cameras.measure import measure
from runtime.cameras.sight import Sight, Turn
from runtime.config.settings import BlindnessSettings, GateSettings
from runtime.sources.frame import Image

pytestmark = pytest.mark.real
PERIOD_S = 0.2


def looks(path: Path) -> Iterator[tuple[float, Image]]:
    """The frames of a clip that are due at 5 a second."""
    capture = cv2.VideoCapture(str(path))
    stated = capture.get(cv2.CAP_PROP_FPS)
    fps, number, due_s = stated if 0 < stated <= 1000 else 25.0, 0, 0.0
    while capture.grab():
        if number / fps >= due_s:
            good, image = capture.retrieve()
            if good:
                yield number / fps, np.asarray(image, np.uint8)
                due_s += PERIOD_S
        number += 1


def clips(real_data: Path) -> list[Path]:
    return sorted(path for path in (real_data / "clips").iterdir() if path.suffix in (".mp4", ".avi"))


def test_no_clip_is_ever_blind(real_data: Path) -> None:
    said = {}
    for path in clips(real_data):
        sight = Sight(BlindnessSettings(), 0.0)
        turns: list[Turn] = []
        for time_s, image in looks(path):
            sight.came(time_s)
            sight.saw(time_s, measure(image))
            turns += sight.tick(time_s)
        said[path.name] = [turn.state for turn in turns]
    assert said == {name: ["live"] for name in said}
    assert said


@pytest.mark.parametrize("state", ["black", "overexposed", "out_of_focus", "frozen"])
def test_a_clip_that_goes_blind_is_found_and_left(real_data: Path, state: str) -> None:
    images = [image for _, image in looks(real_data / "clips" / "person_enter_leave_onebyone_700f.mp4")]
    grain = np.random.default_rng(0).normal(0, 2, images[0].shape)

    def spoilt(number: int) -> Image:
        if state == "frozen":
            return images[99]
        level = {"black": 5.0, "overexposed": 250.0}.get(state)
        picture = cv2.GaussianBlur(images[number], (0, 0), 5) if level is None else np.full_like(images[0], level)
        return np.clip(picture + np.roll(grain, 977 * number), 0, 255).astype(np.uint8)

    sight = Sight(BlindnessSettings(), 0.0)
    turns: list[Turn] = []
    for number, image in enumerate(images):
        sight.came(number * PERIOD_S)
        sight.saw(number * PERIOD_S, measure(spoilt(number) if 100 <= number < 300 else image))
        turns += sight.tick(number * PERIOD_S)
    assert [turn.state for turn in turns] == ["live", state, "live"]
    assert turns[1].since_s == pytest.approx(20.0, abs=1.01 * PERIOD_S)
    assert turns[2].since_s == pytest.approx(60.0, abs=1.01 * PERIOD_S)


def test_the_gate_lets_everything_true_be_looked_at_within_a_second(real_data: Path) -> None:
    truth = read_truth(real_data / "clips" / "truth.csv")
    late_s = []
    for path in clips(real_data):
        gate = Gate(GateSettings(enabled=True), 10.0)
        opened = [time_s for time_s, image in looks(path) if gate.opens(time_s, measure(image).points).open]
        for true in truth.get(path.name, []):
            late_s.append(min(time_s for time_s in opened if time_s >= true.start_s) - true.start_s)
    assert len(late_s) >= 19
    assert max(late_s) < 1.0
