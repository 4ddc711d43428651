"""What a long command tells where there is no terminal: a line a stage."""

from __future__ import annotations

import pytest

from edge_resnet.progress import Narrator


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
    narrator = Narrator(quiet=True)
    narrator.say("hello")
    with narrator.stage("reading") as step, narrator.stages() as steps:
        step(1, 2)
        steps("calibration", 1, 2)
    assert capsys.readouterr().err == ""
