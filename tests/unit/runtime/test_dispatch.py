"""Who is looked at next, and how an overloaded box shares what it manages."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.dispatch import Load, Turns, fair_rates

RATES = st.dictionaries(st.text(min_size=1, max_size=3), st.floats(0.1, 50.0), min_size=1, max_size=20)


@given(RATES, st.floats(0.0, 500.0))
def test_what_is_shared_out_is_max_min_fair(wanted: dict[str, float], capacity: float) -> None:
    rates = fair_rates(wanted, capacity)
    assert sum(rates.values()) == pytest.approx(min(capacity, sum(wanted.values())))
    assert all(rates[name] <= wanted[name] for name in wanted)
    # Whoever got less than it wanted got no less than anybody else.
    level = max(rates.values())
    assert all(rates[name] == pytest.approx(level) for name in wanted if rates[name] < wanted[name] - 1e-9)


def test_a_modest_camera_keeps_its_rate_while_the_others_give() -> None:
    assert fair_rates({"gate": 1.0, "yard": 10.0, "hall": 10.0}, 9.0) == {"gate": 1.0, "yard": 4.0, "hall": 4.0}


@given(st.lists(st.sets(st.sampled_from("abcdef"), min_size=1), max_size=60))
def test_nobody_who_waits_is_passed_over_twice(rounds: list[set[str]]) -> None:
    turns = Turns()
    passed: dict[str, int] = {}
    for waiting in rounds:
        first = turns.order(waiting)[0]
        turns.served(first)
        for name in waiting:
            passed[name] = 0 if name == first else passed.get(name, 0) + 1
            assert passed[name] < 2 * 6


def test_the_longest_unserved_is_first_and_a_newcomer_before_all() -> None:
    turns = Turns()
    for name in ("a", "b", "c", "a"):
        turns.served(name)
    assert turns.order(["a", "b", "c", "new"]) == ["new", "b", "c", "a"]


def test_overload_asks_for_a_little_less_than_was_managed() -> None:
    load = Load()
    assert not load.second(wanted=80.0, given=80.0, lost=0.0)
    assert load.second(wanted=80.0, given=40.0, lost=40.0)
    assert load.capacity == pytest.approx(36.0)


def test_when_nothing_is_lost_it_grows_back_until_all_is_given() -> None:
    load = Load(capacity=36.0)
    seconds = 0
    while load.capacity is not None:
        load.second(wanted=80.0, given=load.capacity, lost=0.0)
        seconds += 1
    assert 4 < seconds < 12


def test_a_box_that_manages_a_fixed_number_settles_near_it() -> None:
    load, seen = Load(), []
    for _second in range(300):
        asked = 80.0 if load.capacity is None else load.capacity
        given = min(asked, 30.0)
        load.second(wanted=80.0, given=given, lost=asked - given)
        seen.append(given)
    assert min(seen[20:]) > 24.0


def test_where_nothing_is_managed_much_less_is_asked_for() -> None:
    load = Load()
    assert load.second(wanted=80.0, given=0.0, lost=80.0)
    assert load.capacity is not None
    assert 0.0 < load.capacity < 8.0


def tries_in_vain(seconds: int) -> list[int]:
    """How many seconds lie between two tries of a box that manages 30 of 80 looks a second."""
    load, tries = Load(capacity=27.0), []
    for second in range(seconds):
        assert load.capacity is not None
        given = min(load.capacity, 30.0)
        if load.capacity > given:
            tries.append(second)
        load.second(wanted=80.0, given=given, lost=10.0 * (load.capacity - given))
    return [after - before for before, after in itertools.pairwise(tries)]


def test_each_try_in_vain_is_followed_by_a_longer_wait() -> None:
    waits = tries_in_vain(200)
    assert waits == sorted(waits)
    assert waits[-1] > 30


def test_however_often_it_was_in_vain_it_is_tried_again_within_the_minute() -> None:
    assert 30 < max(tries_in_vain(2000)) < 40
