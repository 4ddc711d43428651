"""The pauses between attempts."""

from __future__ import annotations

import pytest

from runtime.delivery.backoff import pause_s


def test_pauses_double_up_to_five_minutes() -> None:
    assert [pause_s(n, lambda: 0.0) for n in (1, 2, 3, 8, 9, 10, 10_000)] == [1.0, 2.0, 4.0, 128.0, 256.0, 300.0, 300.0]


@pytest.mark.parametrize("failures", [1, 5, 50])
def test_half_of_each_is_left_to_chance(failures: int) -> None:
    longest = pause_s(failures, lambda: 0.0)
    assert pause_s(failures, lambda: 0.5) == 0.75 * longest
    assert pause_s(failures, lambda: 1.0) == 0.5 * longest
