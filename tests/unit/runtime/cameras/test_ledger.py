"""The ledger: every moment has one category, whatever happens, and no second is lost or made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.cameras.ledger import Ledger
from runtime.cameras.sight import STATES, Turn

START = datetime(2026, 11, 24, 12, 30, tzinfo=timezone.utc)


class Wall:
    """A wall clock that goes with the seconds that the test counts, and can be set."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.set_by = timedelta()

    def __call__(self) -> datetime:
        return START + timedelta(seconds=self.now_s) + self.set_by


def turn(state: str, since_s: float, at_s: float, **evidence: str) -> Turn:
    return Turn("live", state, since_s, at_s, evidence)


def sums(ledger: Ledger) -> Mapping[str, float]:
    by_category: defaultdict[str, float] = defaultdict(float)
    for entry in ledger.take():
        by_category[entry.category] += entry.seconds
    return {category: round(seconds, 6) for category, seconds in by_category.items()}


def watch(ledger: Ledger, wall: Wall, until_s: float, step_s: float = 0.2) -> None:
    """Look every 0.2 s."""
    while wall.now_s < until_s - 1e-9:
        wall.now_s = min(until_s, wall.now_s + step_s)
        ledger.looked(wall.now_s)
        ledger.settle(wall.now_s)


def live(wall: Wall) -> Ledger:
    ledger = Ledger("yard", 0.0, wall)
    ledger.turned(turn("live", 1.0, 1.0))
    return ledger


def test_what_is_looked_at_is_watched_and_the_start_is_not() -> None:
    wall = Wall()
    ledger = live(wall)
    watch(ledger, wall, 60.0)
    assert sums(ledger) == {"starting": 1.0, "watched": 59.0}
    assert ledger.take() == ()
    assert ledger.totals == pytest.approx({"starting": 1.0, "watched": 59.0})
    assert ledger.until == START + timedelta(seconds=60)


def test_blame_reaches_back_to_where_the_evidence_began() -> None:
    wall = Wall()
    ledger = live(wall)
    for tenth in range(10, 501):
        wall.now_s = tenth / 10
        ledger.looked(wall.now_s)
        # From 20 s on it is suspected to be frozen.
        ledger.settle(wall.now_s, min(wall.now_s, 20.0))
    ledger.turned(turn("frozen", 20.0, 50.0))
    ledger.settle(50.0)
    assert sums(ledger) == {"starting": 1.0, "watched": 19.0, "frozen": 30.0}
    ledger.turned(turn("live", 50.0, 52.0))
    watch(ledger, wall, 60.0)
    assert sums(ledger) == {"watched": 10.0}


def test_of_two_that_began_at_once_the_later_one_holds() -> None:
    wall = Wall()
    ledger = live(wall)
    watch(ledger, wall, 10.0)
    ledger.settle(13.0, 10.0)
    ledger.turned(turn("stale", 10.0, 13.0))
    ledger.settle(15.0, 10.0)
    ledger.turned(turn("offline", 10.0, 20.0, reason="refused"))
    ledger.settle(25.0)
    assert sums(ledger) == {"starting": 1.0, "watched": 9.0, "offline:refused": 15.0}


def test_frames_that_nobody_looks_at_are_not_watched() -> None:
    wall = Wall()
    ledger = live(wall)
    watch(ledger, wall, 10.0)
    ledger.settle(12.9)
    # The next look may still come in time.
    assert ledger.settled_s == pytest.approx(10.0)
    ledger.settle(25.0)
    ledger.looked(30.0)
    ledger.looked(31.0)
    ledger.settle(31.0)
    assert sums(ledger) == {"starting": 1.0, "watched": 10.0, "not_looked": 20.0}


def test_a_late_look_changes_nothing_that_is_booked() -> None:
    wall = Wall()
    ledger = live(wall)
    ledger.settle(10.0)
    ledger.looked(2.0)
    ledger.settle(10.0)
    assert sums(ledger) == {"starting": 1.0, "not_looked": 9.0}


def test_hours_are_those_of_the_wall_clock() -> None:
    wall = Wall()
    ledger = live(wall)
    watch(ledger, wall, 7200.0, 2.0)
    by_hour = {(entry.hour, entry.category): entry.seconds for entry in ledger.take()}
    assert by_hour == pytest.approx(
        {
            ("2026-11-24T12:00:00+00:00", "starting"): 1.0,
            ("2026-11-24T12:00:00+00:00", "watched"): 1799.0,
            ("2026-11-24T13:00:00+00:00", "watched"): 3600.0,
            ("2026-11-24T14:00:00+00:00", "watched"): 1800.0,
        }
    )


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_set_moves_the_hour_and_no_second(hours: int) -> None:
    wall = Wall()
    ledger = live(wall)
    watch(ledger, wall, 600.0)
    wall.set_by = timedelta(hours=hours)
    watch(ledger, wall, 1200.0)
    assert {entry.hour for entry in ledger.take()} == {
        "2026-11-24T12:00:00+00:00",
        (datetime(2026, 11, 24, 12, tzinfo=timezone.utc) + timedelta(hours=hours)).isoformat(),
    }
    assert sum(ledger.totals.values()) == pytest.approx(1200.0)


def test_the_time_that_the_program_was_off_is_booked_when_it_starts() -> None:
    stopped = START - timedelta(hours=1, minutes=40)
    ledger = Ledger("yard", 500.0, Wall(), stopped)
    by_hour = {entry.hour: (entry.category, entry.seconds) for entry in ledger.take()}
    assert by_hour == {
        "2026-11-24T10:00:00+00:00": ("not_running", 600.0),
        "2026-11-24T11:00:00+00:00": ("not_running", 3600.0),
        "2026-11-24T12:00:00+00:00": ("not_running", 1800.0),
    }
    # It is no time of this watch.
    assert ledger.totals == {}


@pytest.mark.parametrize("stopped", [START + timedelta(hours=1), START - timedelta(days=20_000)])
def test_a_break_that_cannot_be_is_not_booked(stopped: datetime) -> None:
    assert Ledger("yard", 0.0, Wall(), stopped).take() == ()


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("look"), st.floats(-5.0, 1.0)),
        st.tuples(st.just("wait"), st.floats(0.0, 4000.0)),
        st.tuples(st.just("settle"), st.floats(-60.0, 1.0)),
        st.tuples(st.just("set"), st.sampled_from([-3600.0, 3600.0])),
        st.tuples(st.sampled_from(STATES), st.floats(-60.0, 0.0)),
    ),
    max_size=40,
)


@given(ACTS, st.floats(0.0, 1e6))
def test_the_sums_are_the_time_that_passed_whatever_happens(acts: list[tuple[str, float]], start_s: float) -> None:
    wall = Wall()
    wall.now_s = start_s
    ledger = Ledger("yard", start_s, wall)
    booked_s = 0.0
    for act, value in acts:
        if act == "look":
            ledger.looked(wall.now_s + value)
        elif act == "wait":
            wall.now_s += value
        elif act == "settle":
            ledger.settle(wall.now_s, wall.now_s + value)
        elif act == "set":
            wall.set_by += timedelta(seconds=value)
        else:
            ledger.turned(turn(act, wall.now_s + value, wall.now_s))
        entries = ledger.take()
        assert all(entry.seconds > 0 for entry in entries)
        booked_s += sum(entry.seconds for entry in entries)
        assert booked_s == pytest.approx(ledger.settled_s - start_s, abs=1e-6)
        assert ledger.settled_s <= wall.now_s
        assert sum(ledger.totals.values()) == pytest.approx(booked_s, abs=1e-6)
    # Once no look can come in time any more, nothing is left open.
    wall.now_s += 100.0
    ledger.settle(wall.now_s)
    assert sum(ledger.totals.values()) == pytest.approx(wall.now_s - start_s, abs=1e-6)


def test_what_is_not_looked_at_while_there_is_no_engine_is_not_for_want_of_time() -> None:
    wall = Wall()
    ledger = live(wall)
    for quarter in range(1, 181):
        wall.now_s = quarter / 4
        # It runs for 20 s, 10 s after the start, and fails; then there is none for 10 s.
        runs = 10.0 < wall.now_s <= 30.0 or wall.now_s > 40.0
        ledger.engine(wall.now_s, runs)
        if runs:
            ledger.looked(wall.now_s)
        ledger.settle(wall.now_s)
    found = sums(ledger)
    expected = {"starting": 1.0, "no_engine": 19.0, "watched": 25.0}
    assert found == {category: pytest.approx(seconds, abs=0.6) for category, seconds in expected.items()}
    assert sum(found.values()) == pytest.approx(45.0)


def test_who_does_not_look_although_an_engine_runs_has_no_time() -> None:
    wall = Wall()
    ledger = live(wall)
    for quarter in range(1, 121):
        wall.now_s = quarter / 4
        ledger.engine(wall.now_s, wall.now_s > 10.0)
        ledger.settle(wall.now_s)
    ledger.settle(30.0, 30.0)
    # The first look may be as late as two looks may be apart.
    assert sums(ledger) == {"starting": 1.0, "no_engine": pytest.approx(12.25), "not_looked": pytest.approx(16.75)}
