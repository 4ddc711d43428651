"""When notices are given up, by clocks of which one may be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from runtime.delivery.patience import Patience

DAY_S = 86400.0
NOW = datetime(2026, 11, 29, 12, 0, tzinfo=timezone.utc)
YOUNG = "2026-11-29T11:00:00.000+00:00"


@dataclass
class Clocks:
    """Moved by hand; the wall clock may jump, too."""

    now_s: float = 0.0
    wall: datetime = NOW

    def patience(self) -> Patience:
        return Patience(lambda: self.now_s, lambda: self.wall)

    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self.wall += timedelta(seconds=seconds)


def gives_up(patience: Patience, created_at: str, after_s: float = DAY_S) -> bool:
    over = patience.failed(after_s)
    return over is not None and over[0] <= created_at < over[1]


def days_ago(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat(timespec="milliseconds")


def test_what_is_old_already_is_given_up_when_the_sink_was_tried_for_a_while() -> None:
    clocks = Clocks()
    patience = clocks.patience()
    assert not gives_up(patience, days_ago(2))
    clocks.wait(599.0)
    assert not gives_up(patience, days_ago(2))
    clocks.wait(1.0)
    assert gives_up(patience, days_ago(2))
    assert not gives_up(patience, days_ago(0.9))


def test_a_sink_that_takes_something_is_tried_anew() -> None:
    clocks = Clocks()
    patience = clocks.patience()
    patience.failed(DAY_S)
    clocks.wait(600.0)
    patience.succeeded()
    assert not gives_up(patience, days_ago(2))


def test_one_that_is_given_up_soon_is_not_tried_for_long() -> None:
    clocks = Clocks()
    patience = clocks.patience()
    patience.failed(5.0)
    clocks.wait(5.0)
    assert gives_up(patience, days_ago(1), 5.0)


def test_what_was_written_before_the_clock_was_set_is_as_old_as_the_sink_has_failed() -> None:
    # The clock was set before the program began, so that it sees no jump.
    clocks, written = Clocks(), "1970-01-01T00:01:00.000+00:00"
    patience = clocks.patience()
    patience.failed(DAY_S)
    clocks.wait(DAY_S - 1.0)
    assert not gives_up(patience, written)
    assert gives_up(patience, days_ago(1))
    clocks.wait(1.0)
    assert gives_up(patience, written)


def test_nor_does_a_clock_that_jumps_make_anything_old() -> None:
    clocks = Clocks(wall=NOW - timedelta(days=400))
    patience = clocks.patience()
    patience.failed(DAY_S)
    clocks.wait(3600.0)
    clocks.wall = NOW
    assert not gives_up(patience, days_ago(400))
    clocks.wait(DAY_S - 3600.0)
    assert gives_up(patience, days_ago(400))
    assert not gives_up(patience, YOUNG)


def test_a_clock_that_is_set_right_by_some_minutes_is_trusted() -> None:
    clocks = Clocks()
    patience = clocks.patience()
    patience.failed(DAY_S)
    clocks.wait(600.0)
    clocks.wall += timedelta(minutes=5)
    assert gives_up(patience, days_ago(2))
