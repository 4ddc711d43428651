"""The race: in turns, warmed up, and told as the median of the rounds' ratios."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from edge_resnet.classifier import Scores
from export.parity.speed import BUDGET_S, ENOUGH_S, MIN_ROUNDS, ROUNDS, race

FRAMES = np.zeros((5, 8, 8, 3), np.uint8)
ANSWER = Scores(np.zeros((1, 2), np.float32), np.zeros((1, 2, 1, 1), np.float32))


class Clock:
    """Time that passes only where an engine makes it pass."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[str] = []

    def __call__(self) -> float:
        return self.now


class Engine:
    """Takes `seconds` a frame; each of the first two frames after another engine, `disturbed_s` more."""

    def __init__(self, name: str, clock: Clock, seconds: float, disturbed_s: float = 0.0) -> None:
        self._name, self._clock = name, clock
        self.seconds, self._disturbed_s = seconds, disturbed_s

    def infer(self, frames: npt.NDArray[np.uint8]) -> Scores:
        assert frames.shape == (1, 8, 8, 3)
        disturbed = self._clock.calls[-2:] != [self._name] * 2
        self._clock.now += self.seconds + (self._disturbed_s if disturbed else 0.0)
        self._clock.calls.append(self._name)
        return ANSWER


def test_the_fastest_fp32_is_the_base_and_a_warm_up_does_not_count() -> None:
    clock = Clock()
    engines = {
        ("opencv", "fp32"): Engine("a", clock, 0.040, 9.0),
        ("openvino", "fp32"): Engine("b", clock, 0.020, 9.0),
        ("openvino", "int8"): Engine("c", clock, 0.005, 9.0),
    }
    speeds = race(engines, FRAMES, clock=clock)
    assert {key: round(speed.ratio, 6) for key, speed in speeds.items()} == dict(
        zip(engines, (0.5, 1.0, 4.0), strict=True)
    )
    assert {speed.base for speed in speeds.values()} == {("openvino", "fp32")}
    assert speeds["openvino", "int8"].milliseconds == pytest.approx(5.0)


def test_engines_take_turns() -> None:
    clock = Clock()
    race({("a", "fp32"): Engine("a", clock, 1.0), ("b", "fp32"): Engine("b", clock, 1.0)}, FRAMES, clock=clock)
    turns = [name for name, before in zip(clock.calls, ["", *clock.calls], strict=False) if name != before]
    assert turns == ["a", "b"] * (len(turns) // 2)
    assert len(turns) // 2 >= MIN_ROUNDS


@pytest.mark.parametrize(
    ("seconds", "least", "most"), [(1e-6, 50, 50), (ENOUGH_S / 1000, ROUNDS, 50), (BUDGET_S, 3, 3)]
)
def test_a_slow_box_stops_early_and_a_quick_one_goes_on(seconds: float, least: int, most: int) -> None:
    clock = Clock()
    told: list[tuple[int, int]] = []
    key = ("opencv", "fp32")
    speeds = race({key: Engine("a", clock, seconds)}, FRAMES, lambda done, rounds: told.append((done, rounds)), clock)
    assert least <= speeds[key].rounds <= most
    assert len(told) == speeds[key].rounds
    assert all(done <= rounds for done, rounds in told)


def test_one_disturbed_round_moves_the_spread_and_not_the_ratio() -> None:
    clock = Clock()
    int8 = Engine("int8", clock, 0.1)

    def disturb(done: int, rounds: int) -> None:
        int8.seconds = 1.0 if done == 2 else 0.1

    speeds = race({("a", "fp32"): Engine("fp32", clock, 0.2), ("a", "int8"): int8}, FRAMES, disturb, clock)
    speed = speeds["a", "int8"]
    assert speed.ratio == pytest.approx(2.0)
    assert (speed.slowest, speed.fastest) == (pytest.approx(0.2), pytest.approx(2.0))
