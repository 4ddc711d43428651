"""Footage: normal time, what nobody has judged, and truth by alarm."""

import pytest

from edge_resnet.manifest import AlarmSpec
from runtime.backtest.footage import of_alarms
from runtime.backtest.replay import Alarm
from runtime.backtest.truth import Interval
from tests.unit.runtime.backtest.made import footage, scene


def test_normal_time_leaves_out_true_intervals_with_their_tolerance_and_what_nobody_judged() -> None:
    made = footage(scene((60, 0.1)), (10.0, 20.0), unknown=[(40.0, 45.0)])
    assert made.seconds == pytest.approx(60.0)
    assert made.normal_s("fire") == pytest.approx(60.0 - 12.0 - 5.0)


def test_what_is_raised_where_nobody_judged_counts_for_nothing() -> None:
    made = footage(scene((60, 0.1)), (10.0, 20.0), unknown=[(40.0, 45.0)])
    tally = made.tally("fire", [Alarm(12.0, 13.0), Alarm(42.0, 44.0), Alarm(50.0, 51.0)])
    assert (tally.raised, tally.false, tally.found) == (2, 1, 1)


def test_truth_of_classes_of_no_alarm_is_left_out_and_one_class_may_be_of_two_alarms() -> None:
    fire, smoke, fight = (Interval(0.0, 5.0, label) for label in ("fire", "smoke", "fight"))
    alarms = {"burning": AlarmSpec(classes=("fire", "smoke")), "flames": AlarmSpec(classes=("fire",))}
    assert of_alarms([fire, smoke, fight], alarms) == {"burning": (fire, smoke), "flames": (fire,)}
