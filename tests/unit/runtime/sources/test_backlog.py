"""How long frames have waited: found from timestamps alone, whatever the clocks do."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.sources.backlog import FLAT_AFTER_S, FLAT_S, JOIN_S, Arrivals, Backlog

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


class Arriving:
    """Frames as they arrive, after so many seconds, and what is made of them."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.arrivals = Arrivals(lambda: self.now_s)

    def come(self, after_s: float, stamp_s: float) -> float:
        self.now_s += after_s
        return self.arrivals.came(stamp_s)


def test_what_waited_while_the_stream_was_opened_is_passed_over_until_a_frame_comes_in_time() -> None:
    arriving, joined = Arriving(), []
    for number, after_s in enumerate([0.0, 0.001, 0.001, 0.03, 0.04, 0.001]):
        arriving.come(after_s, PERIOD_S * number)
        joined.append(arriving.arrivals.joined)
    # A frame out of a buffer comes faster than it was captured. Later on nothing is passed over any more.
    assert joined == [False, False, False, True, True, True]


@pytest.mark.parametrize("stamp_s", [0.0, float("-inf")], ids=["stand still", "none"])
def test_timestamps_that_say_nothing_let_frames_pass_after_a_while_and_they_are_of_now(stamp_s: float) -> None:
    arriving = Arriving()
    arriving.come(0.0, stamp_s)
    for _ in range(round(JOIN_S / PERIOD_S) - 1):
        arriving.come(PERIOD_S, stamp_s)
        assert not arriving.arrivals.joined
    assert arriving.come(2 * PERIOD_S, stamp_s) == arriving.now_s
    assert arriving.arrivals.joined


def test_the_time_of_capture_is_less_what_was_waited_and_never_goes_back() -> None:
    arriving = Arriving()
    for number in range(25):
        arriving.come(PERIOD_S, PERIOD_S * number)
    newest_s = arriving.arrivals.captured_s()
    assert newest_s == pytest.approx(arriving.now_s, abs=1e-3)
    # A second in which nobody grabs.
    arriving.come(1.0 + PERIOD_S, PERIOD_S * 25)
    assert arriving.arrivals.captured_s(behind_s=0.5) == newest_s
    assert arriving.arrivals.captured_s() == pytest.approx(arriving.now_s - 1.0, abs=1e-2)
