"""The event store: an SQLite file; an event, an incident, watched time are on the disk before anybody is told."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from types import TracebackType

from edge_resnet.errors import UserError
from runtime.events.entry import Entry
from runtime.events.event import Event
from runtime.events.incident import Incident
from runtime.events.schema import MIGRATIONS

# How long another process (a backup, a second camera) may hold the file before we give up.
BUSY_TIMEOUT_S = 5.0

_COLUMNS = tuple(field.name for field in fields(Event))
_INSERT = f"INSERT INTO events ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)})"
_UPDATE = f"UPDATE events SET {', '.join(f'{name} = :{name}' for name in _COLUMNS)} WHERE id = :id"
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM events ORDER BY created_at, rowid"
_ADD_SECONDS = """
    INSERT INTO ledger (camera, hour, category, seconds) VALUES (:camera, :hour, :category, :seconds)
    ON CONFLICT (camera, hour, category) DO UPDATE SET seconds = seconds + excluded.seconds
"""
_MOVE_UNTIL = """
    INSERT INTO ledger_until (camera, moment) VALUES (?, ?)
    ON CONFLICT (camera) DO UPDATE SET moment = excluded.moment
"""
# An hour of which a part is asked for is given whole: it is not known what of it lies where.
_LEDGER = """
    SELECT camera, hour, category, seconds FROM ledger WHERE hour >= ? AND hour < ? ORDER BY camera, hour, category
"""
_INCIDENTS = """
    SELECT id, camera, kind, began_at, ended_at, evidence FROM incidents
    WHERE coalesce(ended_at, '9999') >= ? ORDER BY began_at, rowid
"""
_FIRST, _LAST = "0000", "9999"


class EventStore:
    """What befell all cameras of this box. Every method that writes has committed to the disk when it returns.

    Times are wall clock, UTC, ISO 8601, as datetime.isoformat() writes them. Raises UserError, in one line, when the
    file is no event store, is newer, locked, not writable, or the disk is full.
    """

    def __init__(self, path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S, read_only: bool = False) -> None:
        """Open `path`, and create or upgrade it where needed; `read_only`: it must be there, and stays as it is."""
        self.path = path
        with self._told():
            if not read_only:
                path.parent.mkdir(parents=True, exist_ok=True)
            target = f"{path.absolute().as_uri()}?mode=ro" if read_only else path
            self._connection = sqlite3.connect(target, timeout=busy_timeout_s, isolation_level=None, uri=read_only)
            try:
                if read_only:
                    self._require_current()
                else:
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

    def open_incident(self, incident: Incident) -> None:
        """Write a new incident."""
        row = {**asdict(incident), "evidence": json.dumps(dict(incident.evidence), allow_nan=False)}
        with self._told():
            self._connection.execute(
                "INSERT INTO incidents VALUES (:id, :camera, :kind, :began_at, :ended_at, :evidence)", row
            )

    def close_incident(self, id: str, ended_at: str) -> None:
        """Write when an incident ended."""
        with self._told():
            self._connection.execute("UPDATE incidents SET ended_at = ? WHERE id = ?", (ended_at, id))

    def close_abandoned(self, ended_at: str) -> int:
        """End the incidents that an earlier run left open, at `ended_at`; how many there were.

        None is known to have lasted longer than that run: each ends no later than what it booked of the camera. So this
        is to be called before the new run books anything.
        """
        with self._told():
            return self._connection.execute(
                """
                UPDATE incidents SET ended_at = max(began_at, min(?, coalesce(
                    (SELECT moment FROM ledger_until WHERE ledger_until.camera = incidents.camera),
                    (SELECT max(moment) FROM ledger_until), ?)))
                WHERE ended_at IS NULL
                """,
                (ended_at, ended_at),
            ).rowcount

    def incidents(self, since: str = _FIRST) -> list[Incident]:
        """The incidents that had not ended before `since`, the oldest first."""
        with self._told():
            rows = self._connection.execute(_INCIDENTS, (since,)).fetchall()
        return [
            Incident(id, camera, kind, began_at, ended_at, json.loads(evidence))
            for id, camera, kind, began_at, ended_at, evidence in rows
        ]

    def add_ledger(self, entries: Iterable[Entry], until: Mapping[str, datetime]) -> None:
        """Add seconds to the ledger, and `until` when each camera is booked; all of it or nothing."""
        with self._told(), self._transaction():
            self._connection.executemany(_ADD_SECONDS, [asdict(entry) for entry in entries])
            self._connection.executemany(_MOVE_UNTIL, [(name, moment.isoformat()) for name, moment in until.items()])

    def ledger(self, since: str = _FIRST, until: str = _LAST) -> list[Entry]:
        """The entries of the hours that begin at `since` or later and before `until`, by camera, hour and category."""
        with self._told():
            return [Entry(*row) for row in self._connection.execute(_LEDGER, (since, until))]

    def booked_until(self) -> dict[str, datetime]:
        """Until when each camera is booked, aware."""
        with self._told():
            rows = self._connection.execute("SELECT camera, moment FROM ledger_until ORDER BY camera").fetchall()
        return {camera: datetime.fromisoformat(moment) for camera, moment in rows}

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
        with self._transaction():
            for script in MIGRATIONS[self._check() :]:
                for statement in filter(str.strip, script.split(";")):
                    run(statement)
            run(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _require_current(self) -> None:
        if self._check() < len(MIGRATIONS):
            raise UserError(f"{self.path}: an older event store; edge-resnet stream upgrades it when it writes to it")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            # A full disk may have ended it already.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _check(self) -> int:
        """The version of the schema in the file, 0 when it is new; nothing is changed in what is not ours."""
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
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
