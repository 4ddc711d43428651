"""Budgets: how they are written, and what video can show."""

import pytest

from edge_resnet.errors import UserError
from runtime.backtest.budget import Budget, bound, duration
from runtime.backtest.tally import DAY_S, Tally


@pytest.mark.parametrize(
    ("text", "per_day"), [("1/week", 1 / 7), ("2/day", 2.0), ("0.5/hour", 12.0), (" 3 / Month ", 0.1)]
)
def test_a_budget_is_read(text: str, per_day: float) -> None:
    assert Budget.parse(text).per_day == pytest.approx(per_day)


@pytest.mark.parametrize("text", ["", "1", "week", "1/fortnight", "-1/day", "0/day", "1/day/2", "1e9/day", "nan/day"])
def test_another_text_is_told_what_is_right(text: str) -> None:
    with pytest.raises(UserError, match=r"--budget .*: write .*1/week, 2/day, 0\.5/hour"):
        Budget.parse(text)


def test_three_minutes_cannot_tell_a_false_alarm_a_week() -> None:
    refusal = Budget.parse("1/week").refusal(180.0)
    assert refusal is not None
    assert refusal.startswith(
        "1/week cannot be told from 3 minutes of normal video: the 95% upper bound is 1438 a day; it takes 21 days"
    )
    assert Budget.parse("1/week").refusal(0.0) == (
        "1/week cannot be told from 0 seconds of normal video; it takes 21 days without a false alarm"
    )


def test_enough_normal_video_shows_it_and_false_alarms_take_more() -> None:
    budget = Budget.parse("1/day")
    assert budget.refusal(budget.needed_s * 1.001) is None
    assert budget.refusal(budget.needed_s * 0.999) is not None
    assert budget.shown(Tally(normal_s=3.0 * DAY_S))
    assert not budget.shown(Tally(false=1, normal_s=3.0 * DAY_S))
    assert bound(Tally(false=1, normal_s=DAY_S)) == pytest.approx(4.744, abs=1e-3)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(40.0, "40 seconds"), (180.0, "3 minutes"), (9000.0, "2.5 hours"), (21 * DAY_S, "21 days"), (0.0, "0 seconds")],
)
def test_durations_are_as_people_say_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words
