"""How long frames have waited: found from timestamps alone, whatever the clocks do."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.sources.backlog import FLAT_AFTER_S, FLAT_S, Backlog, came_in_time

PERIOD_S = 0.04


def test_frames_that_come_at_once_waited_for_nothing() -> None:
    backlog = Backlog()
    assert [backlog.update(7.0 + PERIOD_S * n, PERIOD_S * n) for n in range(20)] == pytest.approx([0.0] * 20, abs=1e-3)


def test_a_buffer_shows_as_soon_as_it_has_drained_once_and_filled_again() -> None:
    backlog = Backlog()
    for n in range(25):
        backlog.update(PERIOD_S * n, PERIOD_S * n)
    # A second in which we do not come to grab, then all at once.
    late = [backlog.update(2.0 + 0.001 * n, 1.0 + PERIOD_S * n) for n in range(26)]
    assert late[0] == pytest.approx(1.0, abs=1e-2)
    assert all(after < before for before, after in pairwise(late))
    assert late[-1] == pytest.approx(0.025, abs=1e-2)


@given(st.integers(0), st.floats(-200e-6, 200e-6), st.floats(-1e6, 1e6), st.sampled_from([PERIOD_S, 1.0, 60.0]))
def test_jitter_and_drifting_clocks_are_no_backlog(seed: int, drift: float, zero_s: float, period_s: float) -> None:
    jitter, backlog = Random(seed), Backlog()
    # With a minute between frames hours pass, and clocks are seconds apart.
    for n in range(400):
        on_the_way_s = jitter.uniform(0.0, 0.02)
        wait_s = backlog.update(period_s * n + on_the_way_s, zero_s + period_s * n * (1 + drift))
        # A clock that drifts away has up to one period's drift before the next frame tells.
        assert 0.0 <= wait_s <= 0.02 + abs(drift) * period_s + 1e-6


@given(st.lists(st.tuples(st.floats(0.0, 1e3), st.floats(-1e4, 1e4)), max_size=200))
def test_it_is_never_negative_and_always_a_number(frames: list[tuple[float, float]]) -> None:
    backlog, now_s = Backlog(), 0.0
    for passed_s, stamp_s in frames:
        now_s += passed_s
        assert 0.0 <= backlog.update(now_s, stamp_s) < float("inf")


@given(st.floats(0.2, 3600.0), st.floats(0.0, 0.03))
def test_a_camera_whose_clock_stood_still_is_not_called_late_for_ever(stood_s: float, jitter_s: float) -> None:
    backlog = Backlog()
    for n in range(50):
        backlog.update(PERIOD_S * n, PERIOD_S * n)
    waits = [backlog.update(stood_s + PERIOD_S * n + jitter_s * (n % 2), PERIOD_S * n) for n in range(50, 400)]
    settled = waits[round((FLAT_AFTER_S + 1.0) / PERIOD_S) :]
    assert settled
    assert all(wait <= FLAT_S for wait in settled)


@pytest.mark.parametrize("jump_s", [-3600.0, -0.5, 0.0, 3600.0])
def test_timestamps_that_jump_begin_the_reckoning_anew(jump_s: float) -> None:
    backlog = Backlog()
    for n in range(50):
        backlog.update(PERIOD_S * n, PERIOD_S * n)
    waits = [
        backlog.update(PERIOD_S * n, PERIOD_S * (n - 1) + jump_s + (PERIOD_S if jump_s > 0 else 0.0))
        for n in range(50, 80)
    ]
    assert max(waits) <= PERIOD_S + 1e-3


def test_a_frame_out_of_a_buffer_comes_faster_than_it_was_captured() -> None:
    assert came_in_time(waited_s=0.04, apart_s=0.04)
    assert came_in_time(waited_s=0.03, apart_s=0.04)
    assert not came_in_time(waited_s=0.001, apart_s=0.04)
    # A timestamp that stands still says nothing.
    assert not came_in_time(waited_s=0.04, apart_s=0.0)
