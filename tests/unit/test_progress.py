"""What a long command tells: a line a stage and now and then where there is no terminal, a bar where there is one."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from edge_resnet.progress import Narrator


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _names(text: str) -> list[str]:
    return [line.rpartition(":")[0] for line in text.splitlines()]


def test_each_of_several_stages_is_a_line_with_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    with Narrator().stages() as step:
        for name, done in (("calibration", 1), ("calibration", 2), ("openvino int8", 1), ("speed, rounds", 7)):
            step(name, done, 7)
    printed = capsys.readouterr()
    assert _names(printed.err) == ["calibration", "openvino int8", "speed, rounds"]
    assert all(line.endswith(" s") for line in printed.err.splitlines())
    assert printed.out == ""


def test_one_stage_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Narrator().stage("reading") as step:
        step(1, 2)
    assert _names(capsys.readouterr().err) == ["reading"]


def test_a_quiet_one_tells_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    narrator = Narrator(quiet=True, clock=clock)
    narrator.say("hello")
    with narrator.stage("reading") as step, narrator.stages() as steps:
        for done in range(3):
            clock.now += 100
            step(done, 3)
            steps("calibration", done, 3)
    assert capsys.readouterr().err == ""


def test_a_long_stage_tells_rate_and_time_left_every_half_minute(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with Narrator(clock=clock).stage("epoch 3/10") as step:
        clock.now += 9  # to begin with takes its time, and is not in the rate
        for done in range(0, 1001, 10):
            step(done, 1000)
            clock.now += 1
    assert capsys.readouterr().err.splitlines() == [
        "epoch 3/10: 210/1000, 10.0/s, 79 s left",
        "epoch 3/10: 510/1000, 10.0/s, 49 s left",
        "epoch 3/10: 810/1000, 10.0/s, 19 s left",
        "epoch 3/10: 110.0 s",
    ]


def test_a_stage_that_begins_in_the_middle_has_the_rate_of_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with Narrator(clock=clock).stage("epoch 3/10") as step:
        step(500, 1000)
        clock.now += 50
        step(600, 1000)
    assert capsys.readouterr().err.startswith("epoch 3/10: 600/1000, 2.0/s, 3 min left\n")


def test_several_stages_tell_their_own_rate(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with Narrator(clock=clock).stages() as step:
        for name, seconds in (("calibration", 20), ("speed", 40)):
            for done in range(3):
                step(name, done, 4)
                clock.now += seconds
    assert capsys.readouterr().err.splitlines() == [
        "calibration: 2/4, 3.0/min, 40 s left",
        "calibration: 60.0 s",
        "speed: 1/4, 1.5/min, 2 min left",
        "speed: 2/4, 1.5/min, 80 s left",
        "speed: 120.0 s",
    ]


@pytest.mark.parametrize(
    ("seconds_each", "total", "told"),
    [
        (0.001, 1_000_000, "1000/s, 16 min left"),
        (0.5, 20_000, "2.0/s, 2 h 46 min left"),
        (600, 20, "0.1/min, 3 h 0 min left"),
    ],
)
def test_rates_and_durations_are_in_units_that_fit(
    seconds_each: float, total: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock()
    with Narrator(clock=clock).stage("work") as step:
        step(0, total)
        done = max(2, round(40 / seconds_each))
        clock.now += done * seconds_each
        step(done, total)
    assert capsys.readouterr().err.startswith(f"work: {done}/{total}, {told}\n")


def test_what_cannot_be_estimated_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with Narrator(clock=clock).stage("downloading") as step:
        clock.now += 31
        step(0, 7)
        clock.now += 31
        step(0, 7)
    assert capsys.readouterr().err.splitlines() == ["downloading: 0/7", "downloading: 0/7", "downloading: 62.0 s"]


def _terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)


def _drawn(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_bar_at_a_terminal_shows_count_rate_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    clock, console = Clock(), _terminal()
    with Narrator(console=console, clock=clock).stage("epoch 3/10") as step:
        for done in range(0, 601, 50):
            clock.now += 2
            step(done, 1000)
    shown = _drawn(console)
    assert "epoch 3/10" in shown
    assert " 600/1000 25.0/s, 16 s left" in shown
    # The bar goes; a line stays.
    assert capsys.readouterr().err == "epoch 3/10: 26.0 s\n"


def test_bars_of_several_stages_stand_below_each_other() -> None:
    clock, console = Clock(), _terminal()
    with Narrator(console=console, clock=clock).stages() as step:
        for name in ("calibration", "speed"):
            for done in range(5):
                clock.now += 10
                step(name, done, 8)
    shown = _drawn(console)
    assert shown.index("calibration") < shown.index("speed")
    assert shown.count("4/8 0.1/s, 40 s left") >= 2
