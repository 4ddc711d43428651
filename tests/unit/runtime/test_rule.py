"""The alarm rule: its states one by one, and what holds for every sequence of looks."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from dataclasses import replace
from unittest.mock import ANY

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_resnet.manifest import AlarmSpec
from runtime.attempt import Reach
from runtime.rule import Change, Rule, State, Transition
from runtime.rule_settings import RuleSettings

SETTINGS = RuleSettings()
PERIOD_S = 0.2

probabilities = st.floats(0.0, 1.0)
gaps_s = st.floats(0.01, 4.0)
looks = st.lists(st.tuples(gaps_s, probabilities), max_size=150)


def feed(rule: Rule, values: list[float], start_s: float = 0.0, period_s: float = PERIOD_S) -> list[Transition]:
    return [rule.look(start_s + number * period_s, value) for number, value in enumerate(values)]


def play(pairs: list[tuple[float, float]], settings: RuleSettings = SETTINGS) -> list[Transition]:
    rule, time_s, transitions = Rule(settings), 0.0, []
    for gap_s, probability in pairs:
        time_s += gap_s
        transitions.append(rule.look(time_s, probability))
    return [*transitions, rule.finish()]


def times(transitions: list[Transition], change: Change) -> list[float]:
    return [transition.time_s for transition in transitions if transition.change is change]


def test_raised_once_half_a_window_is_convincing() -> None:
    transitions = feed(Rule(SETTINGS), [0.9] * 20)
    assert times(transitions, Change.RAISED) == [pytest.approx(1.0)]
    assert transitions[5].episode is not None
    assert transitions[5].episode.started_s == 0.0
    assert transitions[-1].change is Change.STILL


def test_a_flash_shorter_than_half_the_window_raises_nothing() -> None:
    flash = [0.05] * 10 + [0.99] * 4 + [0.05] * 30
    assert not times(feed(Rule(SETTINGS), flash), Change.RAISED)


def test_half_of_the_looks_is_enough_and_less_is_not() -> None:
    half = RuleSettings(threshold=0.5, mean_threshold=0.4, low_threshold=0.4)
    assert times(feed(Rule(half), [0.9, 0.1] * 10), Change.RAISED)
    assert not times(feed(Rule(half), [0.99, 0.25, 0.25] * 10), Change.RAISED)


def test_a_glance_long_before_stands_for_the_time_between() -> None:
    # One look a second while quiet, five a second since something is seen: it is asked for as long as at any rate.
    quiet = [(1.0, 0.1)] * 5
    transitions = play([*quiet, (1.0, 0.9), *[(0.2, 0.9)] * 10])
    assert times(transitions, Change.RAISED) == [pytest.approx(6.8)]
    assert not times(play([*quiet, (1.0, 0.9), *[(0.2, 0.9)] * 3, *[(0.2, 0.1)] * 20]), Change.RAISED)


@given(st.floats(0.05, 1.0), st.lists(st.floats(0.6, 1.4), min_size=2, max_size=40), probabilities)
def test_where_looks_come_steadily_their_number_says_it_all(
    period_s: float, gaps: list[float], probability: float
) -> None:
    times_s = itertools.accumulate(period_s * gap for gap in gaps)
    assert Reach.of([(time_s, probability) for time_s in times_s], 0.5, 0.0).over_share == 1.0


def test_many_looks_just_over_threshold_do_not_make_up_for_a_low_mean() -> None:
    values = [0.55, 0.0] * 20
    assert times(feed(Rule(RuleSettings(mean_threshold=0.2)), values), Change.RAISED)
    assert not times(feed(Rule(RuleSettings(mean_threshold=0.5)), values), Change.RAISED)


def test_fewer_looks_than_the_minimum_raise_nothing_however_sure() -> None:
    assert not times(feed(Rule(SETTINGS), [1.0] * 50, period_s=1.1), Change.RAISED)


def test_a_burst_of_looks_in_no_time_raises_nothing() -> None:
    assert not times(feed(Rule(SETTINGS), [1.0] * 50, period_s=0.01), Change.RAISED)


def test_a_look_under_the_threshold_never_raises_though_the_window_would() -> None:
    settings = RuleSettings(cooldown_s=0.0, quiet_s=0.0)
    changes = feed(Rule(settings), [0.9, 0.9, 0.9, 0.9, 0.9, 0.3])
    assert changes[-1].change is Change.NONE


def test_held_by_looks_between_the_low_threshold_and_the_threshold() -> None:
    transitions = feed(Rule(SETTINGS), [0.9] * 10 + [0.45] * 100)
    assert len(times(transitions, Change.RAISED)) == 1
    assert not times(transitions, Change.CLEARED)


def test_cleared_after_quiet_and_the_episode_ends_with_the_last_look_that_held_it() -> None:
    transitions = feed(Rule(SETTINGS), [0.9] * 10 + [0.1] * 40)
    assert times(transitions, Change.CLEARED) == [pytest.approx(2.0 + SETTINGS.quiet_s)]
    episode = next(item.episode for item in transitions if item.change is Change.CLEARED)
    assert episode is not None
    assert (episode.started_s, episode.last_s, episode.looks) == (0.0, pytest.approx(1.8), 10)
    assert (episode.peak, episode.mean) == (0.9, pytest.approx(0.9))


def test_one_look_in_the_quiet_holds_on() -> None:
    quiet = [0.1] * 20
    transitions = feed(Rule(SETTINGS), [0.9] * 10 + quiet + [0.6] + quiet + [0.6] + quiet)
    assert not times(transitions, Change.CLEARED)


def test_a_gap_without_looks_is_not_quiet() -> None:
    rule = Rule(SETTINGS)
    feed(rule, [0.9] * 10)
    assert rule.look(100.0, 0.9).change is Change.STILL
    assert rule.look(200.0, 0.1).change is Change.STILL
    # Ten minutes offline: of them a window counts.
    assert times(feed(rule, [0.1] * 20, 800.0), Change.CLEARED) == [pytest.approx(800.0 + 3.0)]


@pytest.mark.parametrize(
    ("quiet_s", "window_s", "period_s", "cleared_s"),
    [
        (1.0, 16.0, 5.0, 5.0),  # a period that the window holds: the second look sees it, however short the quiet
        (5.0, 2.0, 10.0, 30.0),  # overload: 2 s of each 10
        (1.0, 2.0, 600.0, 1200.0),  # a quiet that is shorter than the window: two looks around an outage are not enough
        (0.0, 2.0, 600.0, 0.0),
    ],
)
def test_of_a_long_gap_a_window_counts_and_half_of_the_quiet_at_most(
    quiet_s: float, window_s: float, period_s: float, cleared_s: float
) -> None:
    rule = Rule(RuleSettings(quiet_s=quiet_s, window_s=window_s))
    feed(rule, [0.9] * 50)
    transitions = feed(rule, [0.1] * 8, start_s=1000.0, period_s=period_s)
    assert times(transitions, Change.CLEARED) == [1000.0 + cleared_s]


def test_nothing_is_raised_in_the_cooldown_and_what_goes_on_is_raised_when_it_is_over() -> None:
    rule = Rule(SETTINGS)
    feed(rule, [0.9] * 10 + [0.1] * 26)
    transitions = feed(rule, [0.9] * 100, start_s=7.2)
    assert times(transitions, Change.RAISED) == [pytest.approx(7.0 + SETTINGS.cooldown_s, abs=PERIOD_S)]


def test_looks_of_one_episode_do_not_count_for_the_next() -> None:
    rule = Rule(RuleSettings(quiet_s=0.0, cooldown_s=0.0))
    assert times(feed(rule, [0.9] * 8), Change.RAISED)
    assert rule.look(1.6, 0.0).change is Change.CLEARED
    assert rule.look(1.8, 0.9).change is Change.NONE


def test_the_end_of_the_stream_clears_what_is_held() -> None:
    rule = Rule(SETTINGS)
    assert rule.finish().change is Change.NONE
    feed(rule, [0.9] * 10)
    assert rule.finish().change is Change.CLEARED
    assert rule.finish().change is Change.NONE


@pytest.mark.parametrize("look", [(0.0, 0.5), (-1.0, 0.5), (1.0, float("nan")), (1.0, 1.5), (float("nan"), 0.5)])
def test_refuses_what_is_no_later_time_or_no_probability(look: tuple[float, float]) -> None:
    rule = Rule(SETTINGS)
    rule.look(0.0, 0.5)
    with pytest.raises(ValueError, match="look at"):
        rule.look(*look)


@pytest.mark.parametrize(
    "wrong", [{"low_threshold": 0.6}, {"threshold": 1.5}, {"window_s": 0.0}, {"min_looks": 0}, {"quiet_s": -1.0}]
)
def test_refuses_settings_that_mean_nothing(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"threshold|window|quiet_s"):
        RuleSettings(**wrong)  # type: ignore[arg-type]  # min_looks is an int, which a dict of floats cannot say


def test_settings_of_a_bundle() -> None:
    settings = RuleSettings.of(AlarmSpec(classes=("fire",), threshold=0.7, mean_threshold=0.6))
    assert (settings.threshold, settings.mean_threshold) == (0.7, 0.6)
    assert settings.low_threshold == pytest.approx(0.56)


def test_a_share_of_the_looks_is_asked_for() -> None:
    flicker = [0.9, 0.2, 0.2] * 10
    assert not times(feed(Rule(RuleSettings(mean_threshold=0.3)), flicker), Change.RAISED)
    assert times(feed(Rule(RuleSettings(mean_threshold=0.3, share=0.3)), flicker), Change.RAISED)


def test_what_must_stay_is_raised_when_it_has_stayed() -> None:
    settings = RuleSettings(min_duration_s=10.0)
    assert not times(feed(Rule(settings), [0.9] * 50 + [0.0] * 20), Change.RAISED)
    (raised,) = (each for each in feed(Rule(settings), [0.9] * 60) if each.change is Change.RAISED)
    assert raised.episode is not None
    assert (raised.time_s, raised.episode.started_s) == (pytest.approx(10.0), 0.0)


def test_looks_a_window_apart_are_one_attempt_and_further_apart_two() -> None:
    one = play([(0.1, 0.45), (2.0, 0.45), (2.1, 0.1)])
    assert [each.attempt.looks for each in one if each.change is Change.MISSED and each.attempt] == [2]
    two = play([(0.1, 0.45), (2.1, 0.45), (2.1, 0.1)])
    assert [each.attempt.looks for each in two if each.change is Change.MISSED and each.attempt] == [1, 1]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([0.1, 0.64, 0.6], "best 0.64 under 0.70"),
        ([0.64, 0.64], "2 of 3 looks, best 0.64 under 0.70"),
        ([0.1, 0.1, 0.9, 0.1], "1 of 3 looks over 0.70, 50% are needed"),
        ([0.9] * 4, "looks within 0.6 s, 1.0 s are needed"),
    ],
)
def test_a_miss_says_what_it_lacked(values: list[float], words: str) -> None:
    settings = RuleSettings(threshold=0.7, mean_threshold=0.7, low_threshold=0.56)
    (missed,) = (each for each in feed(Rule(settings), [*values, *[0.0] * 20]) if each.change is Change.MISSED)
    assert missed.attempt is not None
    assert words in missed.attempt.why_not(settings)


def test_what_was_too_short_says_how_long_it_lasted() -> None:
    settings = RuleSettings(min_duration_s=10.0)
    (missed,) = (each for each in feed(Rule(settings), [0.9] * 26 + [0.0] * 20) if each.change is Change.MISSED)
    assert missed.attempt is not None
    assert missed.attempt.why_not(settings) == "lasted 5.0 s of 10.0 s"


def test_what_was_too_seldom_looked_at_says_for_how_much_of_the_time_it_was_seen() -> None:
    transitions = play([(1.0, 0.1), (1.0, 0.9), (0.2, 0.9), (0.2, 0.4), *[(0.2, 0.0)] * 20])
    (missed,) = (each for each in transitions if each.change is Change.MISSED)
    assert missed.attempt is not None
    assert missed.attempt.why_not(SETTINGS) == "over 0.50 in 29% of the time, 50% are needed"


def test_disarmed_an_attempt_has_missed_and_armed_again_it_begins_anew() -> None:
    rule = Rule(SETTINGS)
    feed(rule, [0.9] * 4)
    assert rule.finish().change is Change.MISSED
    assert rule.finish() == Transition(Change.NONE, pytest.approx(0.6), State.DISARMED)
    assert times(feed(rule, [0.9] * 20, 1.0), Change.RAISED) == [pytest.approx(2.0)]


def test_armed_again_no_cooldown_is_waited_for() -> None:
    rule = Rule(SETTINGS)
    feed(rule, [0.9] * 10)
    assert rule.finish() == replace(rule.finish(), change=Change.CLEARED, episode=ANY)
    assert times(feed(rule, [0.9] * 20, 2.0), Change.RAISED) == [pytest.approx(3.0)]
    # Neither where it was disarmed in the cooldown.
    cleared = feed(rule, [0.1] * 26, 6.0)
    assert cleared[-1].change is Change.CLEARED
    assert rule.look(11.2, 0.9).state is State.COOLDOWN
    rule.finish()
    assert times(feed(rule, [0.9] * 20, 12.0), Change.RAISED) == [pytest.approx(13.0)]


@given(looks)
def test_every_attempt_ends_once_raised_or_missed(pairs: list[tuple[float, float]]) -> None:
    lows = [item for item in play(pairs) if item.change is Change.MISSED]
    for before, after in itertools.pairwise(lows):
        assert before.attempt is not None
        assert after.attempt is not None
        assert before.attempt.last_s < after.attempt.began_s
        assert after.attempt.lacks


RATES = (2.0, 5.0, 25.0)
SLOWEST_S = 1.0 / RATES[0]
over, under = st.floats(SETTINGS.threshold, 1.0), st.floats(0.0, 0.99 * SETTINGS.low_threshold)
# Stays that every rate sees the same: over the threshold for more than a window and a period, after a silence that may
# have cleared also for the cooldown; under it for less than `quiet`, or for two periods more.
BRIEF_S = st.floats(SETTINGS.window_s + 1.1 * SLOWEST_S, 30.0)
LONG_S = st.floats(SETTINGS.cooldown_s + SETTINGS.window_s + 3 * SLOWEST_S, 40.0)
PAUSE_S = st.floats(0.1, SETTINGS.quiet_s - 0.1)
SILENCE_S = st.floats(SETTINGS.quiet_s + 2.1 * SLOWEST_S, 40.0)
stays = st.one_of(st.tuples(PAUSE_S, under, BRIEF_S, over), st.tuples(SILENCE_S, under, LONG_S, over))


@given(st.lists(stays, min_size=1, max_size=6), SILENCE_S, st.lists(st.floats(0.0, 0.99), min_size=3, max_size=3))
def test_what_is_clearly_over_and_under_gives_the_same_events_at_any_rate(
    parts: list[tuple[float, float, float, float]], silence_s: float, phases: list[float]
) -> None:
    pieces = [piece for low_s, low, high_s, high in parts for piece in ((low_s, low), (high_s, high))]
    pieces.append((silence_s, 0.0))
    ends_s = list(itertools.accumulate(length_s for length_s, _ in pieces))
    raised, cleared = [], []
    for rate, phase in zip(RATES, phases, strict=True):
        count = int(ends_s[-1] * rate - phase) + 1
        at_s = [(number + phase) / rate for number in range(count)]
        at_s = [time_s for time_s in at_s if time_s < ends_s[-1]]
        rule = Rule(SETTINGS)
        transitions = [rule.look(time_s, pieces[bisect_right(ends_s, time_s)][1]) for time_s in at_s]
        raised.append(times(transitions, Change.RAISED))
        cleared.append(times(transitions, Change.CLEARED))
    assert raised[0]
    assert len({len(each) for each in (*raised, *cleared)}) == 1
    for same in (*zip(*raised, strict=True), *zip(*cleared, strict=True)):
        assert max(same) - min(same) <= SETTINGS.window_s


@given(st.lists(st.tuples(gaps_s, st.floats(0.0, SETTINGS.threshold, exclude_max=True)), max_size=150))
def test_scores_under_the_threshold_never_raise(pairs: list[tuple[float, float]]) -> None:
    assert {transition.change for transition in play(pairs)} <= {Change.NONE, Change.MISSED}


@given(looks)
def test_raised_and_cleared_take_turns_with_a_cooldown_between(pairs: list[tuple[float, float]]) -> None:
    edges = [item for item in play(pairs) if item.change in {Change.RAISED, Change.CLEARED}]
    assert [edge.change for edge in edges] == [Change.RAISED, Change.CLEARED] * (len(edges) // 2)
    for cleared, raised in zip(edges[1::2], edges[2::2], strict=False):
        assert raised.time_s - cleared.time_s >= SETTINGS.cooldown_s - 1e-9


@given(looks)
def test_an_episode_says_what_is_true_of_its_looks(pairs: list[tuple[float, float]]) -> None:
    for transition in play(pairs):
        if (episode := transition.episode) is None:
            continue
        assert episode.started_s <= episode.raised_s <= episode.last_s <= transition.time_s
        assert SETTINGS.low_threshold - 1e-9 <= episode.mean <= episode.peak + 1e-9


@given(st.lists(st.floats(0.001, 0.99), min_size=20, max_size=100), probabilities.filter(lambda p: p >= 0.5))
def test_a_constant_signal_is_raised_within_a_window_at_any_rate(shares: list[float], probability: float) -> None:
    # Any gaps, regular or not, as long as the window holds the minimum number of looks.
    longest_s = SETTINGS.window_s / (SETTINGS.min_looks - 1)
    raised = times(play([(share * longest_s, probability) for share in shares]), Change.RAISED)
    total_s = sum(shares) * longest_s
    if total_s > 2 * SETTINGS.window_s:
        assert raised
        assert raised[0] - shares[0] * longest_s <= SETTINGS.window_s + 1e-9
