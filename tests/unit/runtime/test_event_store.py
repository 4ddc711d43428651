"""The event store: what is written stays, and what is not ours is left alone."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from edge_resnet.errors import UserError
from runtime.events.event import Event
from runtime.events.store import EventStore

EVENT = Event(
    id="6f2c0a3e-0000-4000-8000-000000000001",
    camera="yard",
    alarm="fire",
    label="fire",
    raised_at=None,
    created_at="2026-11-24T12:00:00.000+00:00",
    started_s=1.0,
    raised_s=2.0,
    ended_s=None,
    peak=0.9,
    mean=0.8,
    looks=6,
    model_sha256="0" * 64,
    backend="opencv",
    precision="fp32",
)


def test_an_event_is_there_for_others_as_soon_as_it_was_added(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "events.sqlite"
    with EventStore(path) as store:
        store.add(EVENT)
        with EventStore(path) as other:
            assert other.events() == [EVENT]
        ended = replace(EVENT, ended_s=9.0, peak=0.95)
        store.update(ended)
    with EventStore(path) as store:
        assert store.events() == [ended]


def test_it_is_written_so_that_a_power_cut_takes_nothing(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        pragmas = {
            name: store._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "user_version")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "user_version": 1}


def test_the_same_event_is_not_added_twice(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        store.add(EVENT)
        with pytest.raises(UserError, match="UNIQUE"):
            store.add(EVENT)


def test_a_newer_store_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    EventStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(UserError, match="newer"):
        EventStore(path)
    assert path.read_bytes() == before


def test_a_database_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "places.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(UserError, match="another program"):
        EventStore(path)
    assert path.read_bytes() == before
