"""Which cameras are to be looked at closely, as the store keeps it."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from runtime.events.attendance import Attendance, attend, attendances, end, release
from runtime.events.salvage import salvage
from runtime.events.schema import MIGRATIONS
from runtime.events.store import EventStore
from tests.unit.runtime.stored import NOW

TEN_MINUTES = timedelta(minutes=10)
GATE = Attendance("yard/gate", NOW, NOW + TEN_MINUTES)
DOOR = Attendance("yard/door", NOW, NOW + timedelta(hours=2))
LATER = Attendance("yard/gate", NOW + timedelta(minutes=5), NOW + timedelta(minutes=15))


def test_it_is_there_for_others_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    with EventStore(path) as store, EventStore(path, read_only=True) as other:
        attend(store.database, GATE)
        attend(store.database, DOOR)
        assert attendances(other.database) == [DOOR, GATE]
        release(store.database, "yard/gate")
        assert attendances(other.database) == [DOOR]


def test_who_asks_again_takes_the_place_of_who_asked_before(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        attend(store.database, GATE)
        attend(store.database, LATER)
        assert attendances(store.database) == [LATER]


def test_the_end_of_one_leaves_what_was_asked_for_since(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        attend(store.database, LATER)
        end(store.database, GATE)
        assert attendances(store.database) == [LATER]
        end(store.database, LATER)
        assert attendances(store.database) == []


@pytest.mark.parametrize(
    ("passed", "left_s"),
    [
        (timedelta(0), 600.0),
        (timedelta(minutes=9), 60.0),
        (timedelta(minutes=11), -60.0),
        # The clock was set back since.
        (timedelta(minutes=-1), 600.0),
        (timedelta(days=-3650), 600.0),
    ],
)
def test_no_more_is_left_than_was_asked_for(passed: timedelta, left_s: float) -> None:
    assert GATE.remaining_s(NOW + passed) == left_s


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_store_of_an_earlier_version_takes_it(tmp_path: Path, version: int) -> None:
    path = tmp_path / "events.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript("".join(MIGRATIONS[:version]) + f"PRAGMA user_version = {version};")
    connection.close()
    with EventStore(path) as store:
        attend(store.database, GATE)
        assert attendances(store.database) == [GATE]


def test_it_is_saved_from_a_damaged_store(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        attend(store.database, GATE)
    salvage(tmp_path / "events.sqlite", tmp_path / "fresh.sqlite", within_s=10.0)
    with EventStore(tmp_path / "fresh.sqlite") as store:
        assert attendances(store.database) == [GATE]
