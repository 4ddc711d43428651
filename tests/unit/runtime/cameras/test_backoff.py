"""The pauses between attempts: short for ten minutes, then longer, never in step, and short again after a success."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runtime.cameras.backoff import FAST_FOR_S, FAST_S, SLOWEST_S, Backoff


def outage(backoff: Backoff, seconds: float) -> list[tuple[float, float]]:
    """The (time, pause) of each attempt of an outage, when an attempt itself takes no time."""
    now_s, pauses = 1000.0, []
    while now_s - 1000.0 <= seconds:
        pauses.append((now_s - 1000.0, backoff.failed(now_s)))
        now_s += pauses[-1][1]
    return pauses


@given(st.floats(0.0, 1.0))
def test_for_ten_minutes_attempts_are_at_most_two_seconds_apart(chance: float) -> None:
    pauses = outage(Backoff(lambda: chance), FAST_FOR_S)
    assert all(0.0 < pause <= FAST_S for _, pause in pauses)
    assert pauses[0][1] < 0.5


def test_after_that_they_double_to_a_minute_and_no_further() -> None:
    late = [pause for at_s, pause in outage(Backoff(lambda: 1.0), 2000.0) if at_s > FAST_FOR_S]
    assert late[:6] == [4.0, 8.0, 16.0, 32.0, SLOWEST_S, SLOWEST_S]


def test_chance_keeps_cameras_out_of_step() -> None:
    pauses = {Backoff(lambda value=value: value).failed(0.0) for value in (0.0, 0.5, 1.0)}
    assert len(pauses) == 3


def test_a_success_begins_anew() -> None:
    backoff = Backoff(lambda: 1.0)
    outage(backoff, 2000.0)
    backoff.succeeded()
    assert backoff.failed(5000.0) < 0.5
    assert backoff.failed(5000.3) == FAST_S
