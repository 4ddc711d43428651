"""A damaged store at the start: moved aside, saved from what can be, and a new one begun."""

from __future__ import annotations

import itertools
import json
import sqlite3
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from edge_resnet.errors import UserError
from runtime.events import recovery, salvage
from runtime.events.deliveries import Deliveries
from runtime.events.entry import Entry
from runtime.events.event import Event
from runtime.events.incident import Incident
from runtime.events.recovery import MOST_ASIDE, StoreOpener, open_patiently
from runtime.events.store import EventStore
from tests.unit.runtime.notices import raised
from tests.unit.runtime.stored import NOW, at, event, piece

INCIDENT = Incident("6f2c0a3e-0000-4000-8000-000000000002", "yard", "frozen", at(), None, {"still_s": 30.0})
PAGE = 4096


@dataclass
class Told:
    events: list[str] = field(default_factory=list)
    fields: list[dict[str, object]] = field(default_factory=list)

    def __call__(self, event: str, **fields: object) -> None:
        self.events.append(event)
        self.fields.append(fields)


def fill(path: Path, count: int = 400) -> list[Event]:
    events = [event(ended_s=None if number == count - 1 else 9.0) for number in range(count)]
    with EventStore(path) as store, store.together():
        store.open_incident(INCIDENT)
        store.add_ledger([Entry("yard", "2026-11-29T12:00:00+00:00", "watched", 10.0)], {"yard": NOW})
        for each in events:
            store.add(each, raised(replace(each, ended_s=None)), ["phone"])
        store.add_scores([piece(looks=50)] * 50)
    return events


def pages_of(path: Path, table: str) -> list[int]:
    """The pages of a table's rows, in order: the leaves of its tree, of two levels at most."""
    with sqlite3.connect(path) as connection:
        ((root,),) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,))
    connection.close()
    content = path.read_bytes()
    page = content[(root - 1) * PAGE : root * PAGE]
    if page[0] == 0x0D:
        return [root]
    (cells,) = struct.unpack_from(">H", page, 3)
    (last,) = struct.unpack_from(">I", page, 8)
    pointers = struct.unpack_from(f">{cells}H", page, 12)
    return [*(struct.unpack_from(">I", page, pointer)[0] for pointer in pointers), last]


def overwrite(path: Path, start: int, length: int, value: bytes = b"\xa5") -> None:
    content = bytearray(path.read_bytes())
    content[start : start + length] = value * length
    path.write_bytes(content)


def destroy_a_page_of_events(path: Path) -> None:
    pages = pages_of(path, "events")
    overwrite(path, (pages[len(pages) // 2] - 1) * PAGE, PAGE)


def destroy_the_header(path: Path) -> None:
    overwrite(path, 0, 100)


def destroy_the_schema(path: Path) -> None:
    overwrite(path, 100, 300)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: -20 * PAGE])


@pytest.mark.parametrize(
    ("harm", "saved_at_least"),
    [(destroy_a_page_of_events, 350), (cut_off, 300), (destroy_the_header, 0), (destroy_the_schema, 0)],
)
def test_a_damaged_store_is_moved_aside_whole_and_a_new_one_begun(
    tmp_path: Path, harm: Callable[[Path], None], saved_at_least: int
) -> None:
    path, told = tmp_path / "events.sqlite", Told()
    events = fill(path)
    harm(path)
    damaged = path.read_bytes()
    with StoreOpener(path, told, wall=lambda: NOW).open() as store:
        kept = store.events()
        assert len(kept) >= saved_at_least
        assert all(each in events for each in kept)
        new = event()
        store.add(new)
        assert store.find(new.id) == [new]
    assert (tmp_path / "events.sqlite.damaged-20261129T120000").read_bytes() == damaged
    assert told.events == ["the event store was damaged, and a new one is begun"]
    with StoreOpener(path, told).open() as store:
        assert store.find(new.id) == [new]
    assert len(told.events) == 1


def test_all_but_scores_is_saved_around_a_page_that_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    fill(path)
    destroy_a_page_of_events(path)
    with StoreOpener(path, Told()).open() as store:
        lost = 400 - len(store.events())
        assert 0 < lost < 30
        assert store.incidents() == [INCIDENT]
        assert store.booked_until() == {"yard": NOW}
        assert [entry.seconds for entry in store.ledger()] == [10.0]
        # A delivery outlives its event: somebody has still to be told.
        ((rows, of_events),) = store.database.rows("SELECT count(*), count(event_id) FROM deliveries")
        assert (rows, of_events) == (400, 400 - lost)
        ((notice,),) = store.database.rows("SELECT notice FROM deliveries WHERE event_id IS NULL LIMIT 1")
        assert json.loads(notice)["what"] in ("raised", "cleared")
        assert store.database.rows("SELECT count(*) FROM scores") == [(0,)]
        assert store.database.rows("PRAGMA integrity_check") == [("ok",)]
        assert store.database.rows("PRAGMA foreign_key_check") == []


def test_with_little_time_the_newest_and_what_is_to_be_told_are_saved_and_the_rest_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, told, steps = tmp_path / "events.sqlite", Told(), itertools.count()
    with EventStore(path) as store, store.together():
        events = [event(ended_s=None if number == 200 else 9.0) for number in range(400)]
        for each in events:
            store.add(each, raised(replace(each, ended_s=None)), ["phone"])
    with Deliveries(path) as deliveries:
        deliveries.database.run("UPDATE deliveries SET state = 'delivered' WHERE id != 3")
    monkeypatch.setattr(salvage, "_ROWS_AT_ONCE", 10)
    # Each look at the clock takes a second: of the 40 spans of each table not all are come to.
    monkeypatch.setattr(salvage, "time", SimpleNamespace(monotonic=lambda: float(next(steps))))
    StoreOpener(path, told, check_s=100.0).anew("malformed").close()
    with EventStore(path) as store:
        saved = store.events()
        assert events[-1] in saved
        assert events[200] in saved
        assert len(saved) < 200
        pending = store.database.rows("SELECT notice_id FROM deliveries WHERE state = 'pending'")
        assert pending == [(f"{events[2].id}:raised",)]
        ((newest, count),) = store.database.rows("SELECT max(id), count(*) FROM deliveries")
        assert (newest, count < 400) == (400, True)
    assert told.fields[0]["saved"] == {"events": len(saved), "deliveries": count}
    assert told.fields[0]["left_out"] == {"events": 400 - len(saved), "deliveries": 400 - count}


def test_what_was_in_the_log_of_a_killed_run_is_saved_too(tmp_path: Path) -> None:
    path, copy = tmp_path / "events.sqlite", tmp_path / "killed" / "events.sqlite"
    fill(path)
    copy.parent.mkdir()
    with EventStore(path) as store:
        late = event()
        store.add(late)
        for suffix in ("", "-wal"):
            (copy.parent / f"events.sqlite{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())
    destroy_a_page_of_events(copy)
    with StoreOpener(copy, Told()).open() as store:
        assert store.find(late.id) == [late]


def test_a_store_that_is_well_is_left_alone(tmp_path: Path) -> None:
    path, told = tmp_path / "events.sqlite", Told()
    events = fill(path)
    with StoreOpener(path, told).open() as store:
        assert store.events() == events
    with StoreOpener(tmp_path / "new.sqlite", told).open() as store:
        assert store.events() == []
    assert told.events == []
    assert not list(tmp_path.glob("*damaged*"))


def test_a_large_store_is_checked_as_far_as_there_is_time(tmp_path: Path) -> None:
    path, told = tmp_path / "events.sqlite", Told()
    fill(path)
    with StoreOpener(path, told, check_s=0.0).open() as store:
        assert len(store.events()) == 400
    assert told.events == []


@pytest.mark.parametrize("content", [b"\xff\xd8\xff\xe0 a photograph" * 1000, b"a diary, which is long\n" * 1000])
def test_what_never_was_an_event_store_is_never_moved(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "events.sqlite"
    path.write_bytes(content)
    with pytest.raises(UserError, match="not an event store"):
        open_patiently(path, Told())
    assert path.read_bytes() == content
    assert [each.name for each in tmp_path.iterdir()] == ["events.sqlite"]


def test_a_database_of_another_program_and_a_newer_store_are_never_touched(tmp_path: Path) -> None:
    foreign, newer = tmp_path / "places.sqlite", tmp_path / "events.sqlite"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    EventStore(newer).close()
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    for path, why in ((foreign, "another program"), (newer, "newer")):
        before = path.read_bytes()
        with pytest.raises(UserError, match=why):
            open_patiently(path, Told())
        assert path.read_bytes() == before


def test_only_the_newest_damaged_stores_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    for number in range(MOST_ASIDE + 2):
        fill(path, 5)
        destroy_the_header(path)
        StoreOpener(path, Told(), wall=lambda number=number: NOW.replace(minute=number)).open().close()  # type: ignore[misc]
    asides = sorted(each.name for each in tmp_path.glob("*damaged*"))
    assert asides == [f"events.sqlite.damaged-20261129T120{number}00" for number in range(2, MOST_ASIDE + 2)]


def test_others_that_still_have_the_damaged_store_open_do_no_harm_to_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    fill(path)
    other = EventStore(path)
    # In SQLite's log, which must neither be lost nor be taken for the new store's.
    other.add(event())
    patient = open_patiently(path, Told())
    # Found in the middle of a run, by a write.
    assert patient.replace(recovery.Damaged("malformed"))
    new = event()
    patient.add(new)
    other.close()
    later = event()
    patient.add(later)
    with EventStore(path, read_only=True) as read:
        assert read.find(new.id) + read.find(later.id) == [new, later]
    patient.close()
    assert [each.stat().st_size > 0 for each in tmp_path.glob("*.damaged-*-wal")] == [True]
    with EventStore(path, read_only=True) as read:
        assert len(read.events()) == 403
        assert read.database.rows("PRAGMA integrity_check") == [("ok",)]
