"""The sweep: what a budget chooses, what it refuses, and the estimate beside it."""

from __future__ import annotations

import pytest

from edge_resnet.manifest import AlarmSpec
from runtime.backtest import sweep as module
from runtime.backtest.budget import Budget
from runtime.backtest.footage import Footage
from runtime.backtest.replay import alarms
from runtime.backtest.sweep import Choice, Trial, choose, frontier, sweep, told
from runtime.backtest.tally import DAY_S, Tally
from runtime.config.settings import ZoneSettings
from runtime.rule_settings import RuleSettings
from tests.unit.runtime.backtest.made import CORNERS, FIRE, footage, scene

SPEC = AlarmSpec(classes=("fire",))
# Fire is sure of itself; a lamp comes near it.
HOUR = (3600, 0.01)
FIRES = [footage(scene(HOUR, (20, 0.9), HOUR), (3600.0, 3620.0), name=f"fire{number}") for number in range(3)]
LAMP = footage(scene(HOUR, (20, 0.6), HOUR), name="lamp")


def tried(*made: Footage, spec: AlarmSpec = SPEC) -> list[Trial]:
    return sweep("fire", RuleSettings(), spec, made, lambda done, total: None)


def test_the_grid_is_tried_with_the_very_rule_and_today_s_comes_first() -> None:
    trials = tried(*FIRES, LAMP)
    assert trials[0].settings == RuleSettings()
    assert trials[0].total.found == 3
    assert trials[0].total.false == 1
    for trial in trials:
        raised = len(alarms(LAMP.evidence[FIRE], trial.settings))
        assert trial.parts[3].false == raised


def test_a_zone_with_a_threshold_of_its_own_keeps_it_whatever_is_tried() -> None:
    zone = ZoneSettings(polygon=CORNERS, alarms=("fire",), threshold=0.95)
    ramp = footage(scene(HOUR, (20, 0.93), HOUR), zone=zone, name="ramp")
    trials = tried(*FIRES, LAMP, ramp)
    assert {trial.settings for trial in trials} == {trial.settings for trial in tried(*FIRES, LAMP)}
    assert not any(trial.parts[4].false for trial in trials)
    assert any(trial.parts[3].false for trial in trials)


def test_a_budget_chooses_the_rule_that_spares_the_lamp_and_finds_all() -> None:
    choice = choose("fire", tried(*FIRES, LAMP), Budget.parse("10/day"))
    assert choice.chosen is not None
    assert (choice.chosen.total.found, choice.chosen.total.false) == (3, 0)
    assert 0.6 < choice.chosen.settings.threshold <= 0.9
    assert choice.chosen.settings.mean_threshold == choice.chosen.settings.threshold
    quickest = min(
        trial.total.delay_s or 99.0 for trial in choice.tried if trial.total.found == 3 and not trial.total.false
    )
    assert choice.chosen.total.delay_s == quickest


def test_what_one_clip_teaches_is_judged_on_it_by_the_rule_of_the_others() -> None:
    choice = choose("fire", tried(*FIRES, LAMP), Budget.parse("12/day"))
    assert choice.chosen is not None
    assert choice.chosen.total.false == 0
    # Without the lamp nothing says that it must be spared, and the quickest rule raises it.
    assert (choice.left_out.expected, choice.left_out.found, choice.left_out.false) == (3, 3, 1)
    assert choice.undecided == 0
    assert "that is optimistic" in told(choice)
    lone = choose("fire", tried(FIRES[0]), Budget.parse("1000/day"))
    assert lone.undecided == 1


def test_too_little_normal_video_is_refused_whatever_the_rules_do() -> None:
    choice = choose("fire", tried(*FIRES), Budget.parse("1/week"))
    assert choice.chosen is None
    assert told(choice).startswith("fire: no rule is chosen: 1/week cannot be told from 6 hours of normal video")


def test_without_a_true_interval_nothing_is_chosen() -> None:
    assert "what a rule finds cannot be told" in choose("fire", tried(LAMP), Budget.parse("1000/day")).refusal


def test_rules_that_find_nothing_are_not_chosen() -> None:
    blind = footage(scene(HOUR, (20, 0.01), HOUR), (3600.0, 3620.0))
    assert "finds anything" in choose("fire", tried(blind), Budget.parse("1000/day")).refusal


def test_a_budget_that_no_rule_keeps_names_the_nearest() -> None:
    # Every rule that sees the fire sees the lamps too.
    same = footage(scene((60, 0.01), (20, 0.9), (60, 0.01), *[(20, 0.95), (60, 0.01)] * 19), (60.0, 80.0))
    refusal = choose("fire", tried(same), Budget.parse("1000/day")).refusal
    assert "is shown to keep 1000/day: the nearest raises 19 false alarms" in refusal
    assert "finds 1 of 1" in refusal


def test_no_threshold_is_over_what_validation_reached() -> None:
    trials = tried(*FIRES, LAMP, spec=AlarmSpec(classes=("fire",), reached=0.7005))
    assert max(trial.settings.threshold for trial in trials) == 0.7


def test_in_hours_of_video_no_threshold_is_tried_that_a_tenth_of_looks_are_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    busy = footage(scene((300, 0.3), (300, 0.4), (100, 0.6), (40, 0.7), (20, 0.35)), (740.0, 760.0))
    today = RuleSettings().threshold
    assert min(trial.settings.threshold for trial in tried(busy)) <= 0.4
    monkeypatch.setattr(module, "_CHEAP_LOOKS", 100)
    thresholds = {trial.settings.threshold for trial in tried(busy)}
    assert thresholds - {today}
    assert min(thresholds - {today}) >= 0.6


def test_windows_that_hold_too_few_looks_are_not_tried() -> None:
    slow = RuleSettings(min_looks=11)
    assert min(trial.settings.window_s for trial in sweep("fire", slow, SPEC, FIRES, lambda *_: None)[1:]) > 2.0


def made_trial(found: int, false: int) -> Trial:
    return Trial(RuleSettings(), (Tally(expected=9, found=found, raised=found + false, false=false, normal_s=DAY_S),))


def test_the_frontier_leaves_out_what_another_rule_beats() -> None:
    trials = [made_trial(*each) for each in ((5, 0), (4, 0), (5, 2), (7, 3), (9, 8), (8, 9))]
    assert [(each.total.found, each.total.false) for each in frontier(trials)] == [(5, 0), (7, 3), (9, 8)]


def test_a_refused_choice_keeps_what_was_tried() -> None:
    assert Choice("fire", (made_trial(5, 0),), refusal="no").today.total.found == 5


def test_a_part_is_taken_off_again() -> None:
    trial = Trial(RuleSettings(), (Tally(1, 1, 1, 0, 5.0, (0.2,)), Tally(2, 1, 4, 3, 7.0, (0.9,))))
    assert trial.without(0) == Tally(2, 1, 4, 3, pytest.approx(7.0), (0.9,))
