"""The pace of looks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.pace import Pace


def taken(pace: Pace, times_s: list[float]) -> list[float]:
    looked = []
    for time_s in times_s:
        if pace.is_due(time_s):
            pace.take(time_s)
            looked.append(time_s)
    return looked


@pytest.mark.parametrize("fps", [5.0, 10.0, 12.5, 15.0, 23.976, 25.0, 29.97, 60.0])
def test_the_rate_is_kept_in_the_mean_whatever_the_frames_rate(fps: float) -> None:
    looked = taken(Pace(5.0), [round(number / fps, 3) for number in range(int(60 * fps))])
    assert len(looked) == pytest.approx(300, abs=2)


def test_slower_frames_are_all_looked_at() -> None:
    times_s = [number / 2 for number in range(20)]
    assert taken(Pace(5.0), times_s) == times_s


def test_a_gap_is_not_made_up_for_by_a_burst() -> None:
    times_s = [0.0, *(100.0 + number / 30 for number in range(30))]
    assert len(taken(Pace(5.0), times_s)) == 1 + 5


def test_asking_changes_nothing() -> None:
    pace = Pace(1.0)
    pace.take(0.0)
    assert [pace.is_due(time_s) for time_s in (2.0, 0.5, 2.0)] == [True, False, True]


@given(st.lists(st.floats(0.001, 3.0), max_size=100), st.floats(0.5, 30.0))
def test_never_more_than_the_rate(gaps_s: list[float], rate: float) -> None:
    times_s = [sum(gaps_s[: number + 1]) for number in range(len(gaps_s))]
    looked = taken(Pace(rate), times_s)
    for number, first in enumerate(looked):
        within = [time_s for time_s in looked[number:] if time_s < first + 1.0]
        assert len(within) <= rate + 2
