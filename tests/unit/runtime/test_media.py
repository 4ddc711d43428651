"""The files of events and their rows: in step, also after bad days."""

from __future__ import annotations

import os
import sqlite3
import uuid
from contextlib import closing
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest

from edge_resnet.errors import UserError
from runtime.events.event import Event
from runtime.events.media import KINDS, Healed, Media, file_of, folder_of, found
from runtime.events.schema import MIGRATIONS
from runtime.events.store import EventStore
from tests.unit.runtime.stored import NOW, event, miss, put


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "events.sqlite"


def written(store: Path, count: int = 1) -> list[Event]:
    events = [event() for _ in range(count)]
    with EventStore(store) as opened:
        for each in events:
            opened.add(each)
    return events


def age(path: Path, span: timedelta) -> None:
    moment = (NOW - span).timestamp()
    os.utime(path, (moment, moment))


def test_the_files_of_an_event_lie_in_its_day_beside_the_store(store: Path) -> None:
    seen = event()
    assert folder_of(store) == store.parent / "events.media"
    assert [file_of(store, seen, kind).relative_to(store.parent).as_posix() for kind in KINDS] == [
        f"events.media/2026-11-29/{seen.id}{suffix}" for suffix in (".jpg", ".heat.jpg", ".mp4")
    ]


def test_a_file_is_registered_once_with_its_size(store: Path) -> None:
    (seen,) = written(store)
    path = put(file_of(store, seen, "clip"), 10)
    with closing(Media(store)) as media:
        media.register(seen, "clip", path)
        put(path, 20)
        media.register(seen, "clip", path, cut="max_length")
        (medium,) = media.of(seen.id)
    assert (medium.kind, medium.path, medium.bytes, medium.event_id) == ("clip", path, 20, seen.id)
    assert medium.cut == "max_length"


def test_a_file_of_a_store_of_before_is_not_known_to_be_cut(tmp_path: Path) -> None:
    path, seen = tmp_path / "events.sqlite", event()
    with sqlite3.connect(path) as connection:
        connection.executescript("".join(MIGRATIONS[:4]) + "PRAGMA user_version = 4;")
        row = asdict(seen)
        connection.execute(
            f"INSERT INTO events ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values())
        )
        connection.execute(
            "INSERT INTO media (event_id, kind, path, bytes, created_at) VALUES (?, 'clip', 'a.mp4', 9, ?)",
            (seen.id, seen.created_at),
        )
    connection.close()
    EventStore(path).close()
    with closing(Media(path)) as media:
        (medium,) = media.of(seen.id)
        assert (medium.path, medium.cut) == (Path("a.mp4"), None)
        media.register(seen, "clip", put(file_of(path, seen, "clip"), 10), cut="size")
        assert [each.cut for each in media.of(seen.id)] == [None, "size"]


def test_a_near_miss_has_its_own_column(store: Path) -> None:
    near = miss()
    with EventStore(store) as opened:
        opened.add_miss(near)
    with closing(Media(store)) as media:
        media.register(near, "snapshot", put(file_of(store, near, "snapshot"), 10))
        (medium,) = media.of(near.id)
    assert (medium.event_id, medium.near_miss_id) == (None, near.id)


def test_a_file_of_an_event_that_is_not_in_the_store_is_refused(store: Path) -> None:
    seen = event()
    with closing(Media(store)) as media, pytest.raises(UserError):
        media.register(seen, "clip", put(file_of(store, seen, "clip"), 10))


def test_a_row_without_a_file_is_removed(store: Path) -> None:
    (seen,) = written(store)
    path = put(file_of(store, seen, "clip"), 10)
    with closing(Media(store)) as media:
        media.register(seen, "clip", path)
        path.unlink()
        assert media.heal(NOW) == Healed(rows=1)
        assert media.all() == []


def test_a_file_without_a_row_gets_one_when_its_event_is_there(store: Path) -> None:
    (seen,) = written(store)
    put(file_of(store, seen, "heat"), 10)
    with closing(Media(store)) as media:
        assert media.heal(NOW) == Healed(registered=1)
        assert [(each.kind, each.bytes, each.created_at) for each in media.of(seen.id)] == [
            ("heat", 10, seen.created_at)
        ]
        assert media.heal(NOW) == Healed()


def test_a_file_of_nothing_is_removed_when_no_event_can_be_on_its_way_any_more(store: Path) -> None:
    written(store)
    path = put(file_of(store, event(), "clip"), 10)
    with closing(Media(store)) as media:
        age(path, timedelta(hours=23))
        assert media.heal(NOW) == Healed()
        age(path, timedelta(hours=25))
        assert media.heal(NOW) == Healed(files=1)
    assert not path.exists()


def test_what_a_killed_run_left_unfinished_is_removed_and_nothing_else(store: Path) -> None:
    written(store)
    folder = folder_of(store) / "2026-11-01"
    unfinished = put(folder / f".{uuid.uuid4()}-abcd1234.mp4", 10)
    foreign = [put(folder / name, 10) for name in ("holiday.jpg", ".hidden.mp4")] + [
        put(folder_of(store) / "notes" / f"{uuid.uuid4()}.mp4", 10)
    ]
    for path in (unfinished, *foreign):
        age(path, timedelta(days=90))
    with closing(Media(store)) as media:
        assert media.heal(NOW) == Healed(files=1)
    assert not unfinished.exists()
    assert all(path.exists() for path in foreign)


def test_the_folder_of_a_day_that_is_long_over_goes_with_its_last_file(store: Path) -> None:
    written(store)
    old, today = folder_of(store) / "2026-10-01", folder_of(store) / "2026-11-29"
    old.mkdir(parents=True)
    today.mkdir()
    with closing(Media(store)) as media:
        media.heal(NOW)
    assert (old.exists(), today.exists()) == (False, True)


def test_the_files_can_be_found_without_the_store(store: Path) -> None:
    old, new = (put(file_of(store, event(), kind), 10) for kind in ("clip", "snapshot"))
    age(old, timedelta(days=2))
    age(new, timedelta(days=1))
    assert [(each.kind, each.path, each.bytes) for each in found(store)] == [("clip", old, 10), ("snapshot", new, 10)]
