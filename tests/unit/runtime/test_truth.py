"""Events against truth: what counts as found, missed, false."""

from dataclasses import replace
from pathlib import Path

import pytest

from edge_resnet.errors import UserError
from edge_resnet.manifest import AlarmSpec
from runtime.events.event import Event
from runtime.truth import TOLERANCE_S, Interval, Tally, read_truth, tally

ALARMS = {"fire": AlarmSpec(classes=("fire", "smoke")), "intruder": AlarmSpec(classes=("person",))}
FIRE = Event(
    "id", "clip", "fire", "fire", None, "2026-01-01", 9.0, 10.0, 20.0, 0.9, 0.8, 30, "0" * 64, "opencv", "fp32"
)


def test_an_event_inside_its_interval_is_found() -> None:
    assert tally([FIRE], [Interval(8, 25, "smoke")], ALARMS) == Tally(expected=1, found=1, false=0)


def test_an_event_of_another_alarm_is_false_and_the_interval_missed() -> None:
    found = tally([replace(FIRE, alarm="intruder")], [Interval(8, 25, "fire")], ALARMS)
    assert (found.expected, found.missed, found.false) == (1, 1, 1)


def test_several_events_in_one_interval_are_not_false() -> None:
    assert tally([FIRE, replace(FIRE, raised_s=22.0, ended_s=None)], [Interval(8, 25, "fire")], ALARMS).false == 0


@pytest.mark.parametrize(("late_s", "false"), [(TOLERANCE_S - 0.01, 0), (TOLERANCE_S + 0.01, 1)])
def test_the_tolerance_is_what_is_stated(late_s: float, false: int) -> None:
    assert tally([FIRE], [Interval(2, 10.0 - late_s, "fire")], ALARMS).false == false


def test_truth_of_classes_that_nobody_trained_is_left_out() -> None:
    assert tally([], [Interval(0, 9, "fight")], ALARMS) == Tally(0, 0, 0)


def test_a_file_of_truth_is_read_by_clip(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("clip,start_s,end_s,class\na.mp4,1.0,2.5,fire\na.mp4,3,4,smoke\n")
    assert read_truth(path) == {"a.mp4": [Interval(1.0, 2.5, "fire"), Interval(3.0, 4.0, "smoke")]}


@pytest.mark.parametrize(
    "text", ["clip,start_s\na,1\n", "clip,start_s,end_s,class\na,x,2,fire\n", "clip,start_s,end_s,class\na,3,2,fire\n"]
)
def test_a_broken_file_of_truth_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "truth.csv").write_text(text)
    with pytest.raises(UserError, match="not a truth file"):
        read_truth(tmp_path / "truth.csv")
    with pytest.raises(UserError, match="No such file"):
        read_truth(tmp_path / "gone.csv")
