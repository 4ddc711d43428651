"""The ledger added up: shares and hours that do not add up."""

from __future__ import annotations

import pytest

from runtime.events.account import Account, accounts, odd_hours
from runtime.events.entry import Entry


def hour(number: int) -> str:
    return f"2026-11-24T{number:02}:00:00+00:00"


ENTRIES = [
    Entry("a", hour(12), "watched", 1000.0),
    Entry("a", hour(12), "frozen", 20.0),
    Entry("a", hour(13), "watched", 3500.0),
    Entry("a", hour(13), "offline:refused", 100.0),
    Entry("b", hour(12), "stale", 30.0),
]


def test_each_camera_has_its_sums_the_longest_blindness_first() -> None:
    first, second = accounts(ENTRIES)
    assert (first.camera, first.hour, first.watched_s, list(first.blind_s.items())) == (
        "a",
        "",
        4500.0,
        [("offline:refused", 100.0), ("frozen", 20.0)],
    )
    assert first.watched_share == pytest.approx(4500 / 4620)
    assert second == Account("b", "", 0.0, {"stale": 30.0})


def test_hours_can_be_told_one_by_one() -> None:
    assert [(each.camera, each.hour, each.seconds) for each in accounts(ENTRIES, by_hour=True)] == [
        ("a", hour(12), 1020.0),
        ("a", hour(13), 3600.0),
        ("b", hour(12), 30.0),
    ]


def test_hours_that_are_too_long_or_short_are_odd_but_for_the_first_and_last() -> None:
    assert odd_hours(ENTRIES) == []
    short = [*ENTRIES, Entry("a", hour(14), "watched", 3000.0), Entry("a", hour(15), "watched", 10.0)]
    assert [each.hour for each in odd_hours(short)] == [hour(14)]
    assert [each.hour for each in odd_hours([*short, Entry("a", hour(15), "watched", 3700.0)])] == [hour(14), hour(15)]
