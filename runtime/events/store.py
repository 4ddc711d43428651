"""The event store: an SQLite file in which an event is on the disk before anybody is told of it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from types import TracebackType

from edge_resnet.errors import UserError
from runtime.events.event import Event

# How long another process (a backup, a second camera) may hold the file before we give up.
BUSY_TIMEOUT_S = 5.0

# From version n to n + 1 of the schema (user_version) leads the n-th script; a released one never changes.
_MIGRATIONS = (
    """
    CREATE TABLE events (
        id TEXT PRIMARY KEY NOT NULL,
        camera TEXT NOT NULL,
        alarm TEXT NOT NULL,
        label TEXT NOT NULL,
        raised_at TEXT,
        created_at TEXT NOT NULL,
        started_s REAL NOT NULL,
        raised_s REAL NOT NULL,
        ended_s REAL,
        peak REAL NOT NULL,
        mean REAL NOT NULL,
        looks INTEGER NOT NULL,
        model_sha256 TEXT NOT NULL,
        backend TEXT NOT NULL,
        precision TEXT NOT NULL
    );
    CREATE INDEX events_by_creation ON events (created_at);
    """,
)
_COLUMNS = tuple(field.name for field in fields(Event))
_INSERT = f"INSERT INTO events ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)})"
_UPDATE = f"UPDATE events SET {', '.join(f'{name} = :{name}' for name in _COLUMNS)} WHERE id = :id"
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM events ORDER BY created_at, rowid"


class EventStore:
    """The events of all cameras of this box. Every method that writes has committed to the disk when it returns.

    Raises UserError, in one line, when the file is no event store, is newer, locked, not writable, or the disk is full.
    """

    def __init__(self, path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        """Open `path`, and create or upgrade it where needed."""
        self.path = path
        with self._told():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def __enter__(self) -> EventStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, event: Event) -> None:
        """Write a new event."""
        with self._told():
            self._connection.execute(_INSERT, asdict(event))

    def update(self, event: Event) -> None:
        """Write what has changed in an event that is there."""
        with self._told():
            self._connection.execute(_UPDATE, asdict(event))

    def events(self) -> list[Event]:
        """All events, the oldest first."""
        with self._told():
            return [Event(*row) for row in self._connection.execute(_SELECT)]

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._connection.close()

    def _prepare(self) -> None:
        run = self._connection.execute
        self._check()
        run("PRAGMA journal_mode = WAL")
        # An alarm must outlive a power cut; FULL costs an fsync an event, and events are rare.
        run("PRAGMA synchronous = FULL")
        run("PRAGMA foreign_keys = ON")
        # Takes the write lock, so that an unwritable file is found now and not at the first alarm; two that start at
        # once upgrade one after the other, and the second finds nothing left to do.
        run("BEGIN IMMEDIATE")
        for script in _MIGRATIONS[self._check() :]:
            for statement in filter(str.strip, script.split(";")):
                run(statement)
        run(f"PRAGMA user_version = {len(_MIGRATIONS)}")
        run("COMMIT")

    def _check(self) -> int:
        """The version of the schema in the file, 0 when it is new; nothing is changed in what is not ours."""
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > len(_MIGRATIONS):
            raise UserError(
                f"{self.path}: version {version} of the event store is newer than this edge-resnet; update it"
            )
        tables = {name for (name,) in self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if (version > 0) != ("events" in tables) or (version == 0 and tables):
            raise UserError(f"{self.path}: a database of another program; give --events another file")
        return int(version)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn SQLite's errors into one line with what to do."""
        where = os.fsencode(self.path).decode(errors="replace")
        try:
            yield
        except OSError as error:
            raise UserError(
                f"{where}: no folder for the event store ({error.strerror}); give --events another"
            ) from error
        except sqlite3.Error as error:
            raise UserError(f"{where}: {_reason(error)}") from error


def _reason(error: sqlite3.Error) -> str:
    text = str(error)
    if "not a database" in text or "malformed" in text:
        return f"not an event store ({text}); give --events another file, or move this one away"
    if "locked" in text or "busy" in text:
        return "another program holds the event store; end it, or give --events another file"
    if "full" in text:
        return "no space left for the event store; free some, or give --events a path on another disk"
    return f"the event store cannot be used ({text}); give --events a path that can be written"
