"""Events against truth: what counts as found, missed, false, and how sure that is."""

import pytest

from runtime.backtest.replay import Alarm
from runtime.backtest.tally import DAY_S, Match, Tally
from runtime.backtest.truth import TOLERANCE_S, Interval


def match(events: list[tuple[float, float]], *intervals: tuple[float, float]) -> Match:
    return Match.of([Alarm(*each) for each in events], [Interval(*each, "fire") for each in intervals])


def test_an_event_raised_in_an_interval_finds_it_after_its_delay() -> None:
    assert match([(10.0, 20.0)], (8.0, 25.0)) == Match((True,), (True,), (2.0,))


def test_the_first_of_several_events_in_an_interval_counts_and_none_is_false() -> None:
    assert match([(12.0, 14.0), (10.0, 11.0), (25.5, 26.0)], (8.0, 25.0)) == Match((True,) * 3, (True,), (2.0,))


@pytest.mark.parametrize("outside_s", [-0.01, 0.01])
def test_the_tolerance_at_both_ends_is_what_is_stated(outside_s: float) -> None:
    is_right = outside_s < 0
    assert match([(5.0, 6.0)], (5.0 + TOLERANCE_S + outside_s, 8.0)).right == (is_right,)
    assert match([(5.0, 6.0)], (1.0, 5.0 - TOLERANCE_S - outside_s)).right == (is_right,)


def test_a_false_alarm_that_lasts_into_an_interval_stays_false_and_finds_nothing() -> None:
    assert match([(1.0, 30.0)], (8.0, 25.0)) == Match((False,), (False,), (None,))


def test_an_event_that_is_still_held_finds_the_next_interval_without_a_delay() -> None:
    assert match([(9.0, 40.0)], (8.0, 25.0), (28.0, 35.0)) == Match((True,), (True, True), (1.0, None))
    assert match([(9.0, 27.0)], (8.0, 25.0), (28.0, 35.0)).found == (True, False)


def test_counts_and_shares_add_up() -> None:
    tally = Tally.of(match([(10.0, 20.0), (50.0, 51.0)], (8.0, 25.0), (60.0, 70.0)), normal_s=DAY_S / 4)
    assert (tally.expected, tally.found, tally.missed, tally.raised, tally.false) == (2, 1, 1, 2, 1)
    told = tally.to_json()
    assert (told["recall"], told["precision"], told["delay_s"], told["false_per_day"]) == (0.5, 0.5, 2.0, 4.0)
    assert told["recall_95"] == pytest.approx([0.0945, 0.9055], abs=1e-4)
    # One event in a quarter of a day: Garwood's 0.0253 to 5.572, four times.
    assert told["false_per_day_95"] == pytest.approx([0.1013, 22.287], abs=1e-3)
    assert tally + Tally() == tally
    assert (tally + tally) - tally == tally


def test_of_no_video_nothing_is_told() -> None:
    told = Tally().to_json()
    assert [told[key] for key in ("recall", "precision", "delay_s", "false_per_day", "false_per_day_95")] == [None] * 5
    assert told["recall_95"] == [0.0, 1.0]


def test_an_alarm_that_is_always_on_finds_its_first_interval_alone() -> None:
    always = match([(10.5, 300.0)], (10.0, 12.0), (20.0, 22.0), (200.0, 210.0))
    # Of the second nobody would have been told anew either; of the third somebody would.
    assert always.found == (True, True, False)
