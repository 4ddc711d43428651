"""Two bundles on the same clips."""

from dataclasses import replace

import pytest

from runtime.backtest.compare import compare, told
from runtime.backtest.judged import Judged, total
from runtime.backtest.replay import replay
from runtime.backtest.truth import Interval
from runtime.rule_settings import RuleSettings
from tests.unit.runtime.backtest.made import footage, scene

RULES = {"fire": RuleSettings()}
QUIET = (30, 0.05)


def judged(*values: float) -> list[Judged]:
    """Four clips of a fire each, and one of a lamp, seen with these probabilities."""
    fires = [
        footage(scene(QUIET, (10, value), QUIET), (30.0, 40.0), name=f"fire{n}") for n, value in enumerate(values[:4])
    ]
    lamp = footage(scene(QUIET, (10, values[4]), QUIET), name="lamp")
    return [Judged(each, replay(each, RULES)) for each in (*fires, lamp)]


def test_intervals_that_only_one_found_and_false_alarms_are_told() -> None:
    compared = compare("fire", judged(0.9, 0.9, 0.9, 0.1, 0.9), judged(0.9, 0.1, 0.1, 0.9, 0.1))
    assert (compared.intervals, compared.found_by_both) == (4, 1)
    assert [clip for clip, _ in compared.only_first] == ["fire1", "fire2"]
    assert compared.only_second == (("fire3", Interval(30.0, 40.0, "fire")),)
    assert (compared.false_first, compared.false_second) == (1, 0)
    # Three of three coins fall as unequally or more: all do.
    assert compared.p_found == 1.0
    assert compared.to_json()["only_second"] == [{"clip": "fire3", "class": "fire", "start_s": 30.0, "end_s": 40.0}]
    assert told(compared)[1:] == [
        "  only the first: fire1, fire 30 to 40 s",
        "  only the first: fire2, fire 30 to 40 s",
        "  only the second: fire3, fire 30 to 40 s",
    ]


def test_the_p_value_is_mcnemar_s() -> None:
    compared = compare("fire", judged(0.9, 0.9, 0.9, 0.9, 0.1), judged(0.1, 0.1, 0.1, 0.1, 0.1))
    assert compared.p_found == pytest.approx(2 / 16)


def test_truth_of_a_class_that_only_one_alarm_has_is_not_compared() -> None:
    first = judged(0.9, 0.9, 0.9, 0.9, 0.1)
    smoke = Interval(30.0, 40.0, "smoke")
    more = replace(first[0].footage, truth={"fire": (*first[0].footage.truth["fire"], smoke)})
    assert compare("fire", [replace(first[0], footage=more), *first[1:]], first).intervals == 4


def test_a_report_of_a_clip_has_its_events_its_truth_and_its_counts() -> None:
    clips = judged(0.9, 0.9, 0.9, 0.1, 0.9)
    told = clips[0].to_json()
    assert told["truth"] == [["fire", 30.0, 40.0]]
    assert [event[0] for event in told["events"]] == ["fire"]
    assert (told["expected"], told["found"], told["missed"], told["false"]) == (1, 1, 0, 0)
    assert (total(clips).found, total(clips).false, total(clips, "fire").expected) == (3, 1, 4)
