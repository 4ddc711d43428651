"""The event store: what is written stays, and what is not ours is left alone."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from edge_resnet.errors import UserError
from runtime.events.entry import Entry
from runtime.events.event import Event
from runtime.events.incident import Incident
from runtime.events.schema import MIGRATIONS
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
            name: store.database.connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "user_version")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "user_version": len(MIGRATIONS)}


def test_what_fails_in_a_transaction_is_told_as_what_it_is(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        with pytest.raises(BrokenPipeError), store.together():
            store.add(EVENT)
            raise BrokenPipeError("of a pipe, and no folder")
        assert store.events() == []
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="no folder for the event store"):
        EventStore(tmp_path / "file" / "events.sqlite")


def test_the_same_event_is_not_added_twice(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        store.add(EVENT)
        with pytest.raises(UserError, match="UNIQUE"):
            store.add(EVENT)


def test_a_newer_store_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    EventStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
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


INCIDENT = Incident(
    id="6f2c0a3e-0000-4000-8000-000000000002",
    camera="site/yard",
    kind="frozen",
    began_at="2026-11-24T12:00:00+00:00",
    evidence={"still_s": 30.2, "text": "the same since 12:00"},
)
# Those that an event had in the first version come first.
_COLUMNS_OF_VERSION_1 = 15
NOON = "2026-11-24T12:00:00+00:00"
ONE = "2026-11-24T13:00:00+00:00"


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_store_of_an_earlier_version_is_upgraded_and_keeps_its_events(tmp_path: Path, version: int) -> None:
    path = tmp_path / "events.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript("".join(MIGRATIONS[:version]) + f"PRAGMA user_version = {version};")
        row = dict(list(vars(EVENT).items())[:_COLUMNS_OF_VERSION_1])
        into = f"INSERT INTO events ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"
        connection.execute(into, tuple(row.values()))
        if version >= 2:
            connection.execute(
                "INSERT INTO incidents VALUES ('an earlier one', NULL, 'backend', ?, ?, '{}')", (NOON, NOON)
            )
    connection.close()
    with pytest.raises(UserError, match="older event store"):
        EventStore(path, read_only=True)
    with EventStore(path) as store:
        assert store.events() == [EVENT]
        assert len(store.incidents()) == (1 if version >= 2 else 0)
        store.open_incident(INCIDENT)
        assert store.ledger() == []
        store.add(replace(EVENT, id="new", zone="gate", severity="critical", run="r", interrupted=True))
    with EventStore(path) as store:
        assert INCIDENT in store.incidents()
        assert store.events()[-1] == replace(
            EVENT, id="new", zone="gate", severity="critical", run="r", interrupted=True
        )


def test_an_incident_is_closed_when_it_ends(tmp_path: Path) -> None:
    box = replace(INCIDENT, id="b", camera=None, kind="backend", began_at="2026-11-24T13:00:00+00:00", evidence={})
    with EventStore(tmp_path / "events.sqlite") as store:
        store.open_incident(INCIDENT)
        store.open_incident(box)
        store.close_incident(INCIDENT.id, "2026-11-24T12:10:00+00:00")
        ended = replace(INCIDENT, ended_at="2026-11-24T12:10:00+00:00")
        assert store.incidents() == [ended, box]
        assert store.incidents("2026-11-24T12:05:00+00:00") == [ended, box]
        assert store.incidents("2026-11-24T12:30:00+00:00") == [box]


def test_what_a_killed_run_left_open_ends_with_what_it_booked(tmp_path: Path) -> None:
    unbooked = replace(INCIDENT, id="b", camera="site/gate", began_at="2026-11-24T12:59:00+00:00")
    with EventStore(tmp_path / "events.sqlite") as store:
        store.open_incident(INCIDENT)
        store.open_incident(unbooked)
        store.add_ledger([], {"site/yard": datetime(2026, 11, 24, 12, 20, tzinfo=timezone.utc)})
        assert store.close_abandoned("2026-11-24T18:00:00+00:00") == 2
        assert store.close_abandoned("2026-11-24T19:00:00+00:00") == 0
        assert [each.ended_at for each in store.incidents()] == [
            "2026-11-24T12:20:00+00:00",
            "2026-11-24T12:59:00+00:00",
        ]


def test_seconds_are_added_up_by_camera_hour_and_category(tmp_path: Path) -> None:
    until = datetime(2026, 11, 24, 13, 20, tzinfo=timezone.utc)
    with EventStore(tmp_path / "events.sqlite") as store:
        store.add_ledger([Entry("a", NOON, "watched", 10.0), Entry("a", NOON, "frozen", 2.0)], {"a": until})
        store.add_ledger([Entry("a", NOON, "watched", 0.5), Entry("a", ONE, "watched", 7.0)], {"a": until, "b": until})
        assert store.ledger() == [
            Entry("a", NOON, "frozen", 2.0),
            Entry("a", NOON, "watched", 10.5),
            Entry("a", ONE, "watched", 7.0),
        ]
        assert store.ledger(since=ONE) == [Entry("a", ONE, "watched", 7.0)]
        assert store.ledger(until=ONE) == store.ledger()[:2]
        assert store.booked_until() == {"a": until, "b": until}


def test_seconds_and_the_moment_up_to_which_they_go_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    until = datetime(2026, 11, 24, 13, tzinfo=timezone.utc)
    with EventStore(tmp_path / "events.sqlite") as store:
        store.add_ledger([Entry("a", NOON, "watched", 10.0)], {"a": until})
        with pytest.raises(UserError, match="NOT NULL"):
            store.add_ledger(
                [Entry("a", NOON, "watched", 5.0), Entry("a", NOON, None, 5.0)],  # type: ignore[arg-type]
                {"a": until.replace(hour=14)},
            )
        assert store.ledger() == [Entry("a", NOON, "watched", 10.0)]
        assert store.booked_until() == {"a": until}
        store.add_ledger([Entry("a", NOON, "watched", 1.0)], {})
        assert store.ledger() == [Entry("a", NOON, "watched", 11.0)]


def test_reading_only_works_beside_a_writer_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    with EventStore(path) as store:
        store.add(EVENT)
        with EventStore(path, read_only=True) as reader:
            assert reader.events() == [EVENT]
            with pytest.raises(UserError, match="readonly"):
                reader.add(replace(EVENT, id="another"))
            store.add(replace(EVENT, id="later"))
            assert len(reader.events()) == 2
    with pytest.raises(UserError, match="unable to open"):
        EventStore(tmp_path / "absent.sqlite", read_only=True)
    assert not (tmp_path / "absent.sqlite").exists()
