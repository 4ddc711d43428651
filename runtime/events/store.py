"""The event store: an SQLite file; an event, an incident, watched time are on the disk before anybody is told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from runtime.events import scores
from runtime.events.database import BUSY_TIMEOUT_S, Database
from runtime.events.entry import Entry
from runtime.events.event import Event
from runtime.events.incident import Incident
from runtime.events.near_miss import NearMiss
from runtime.events.notice import Notice
from runtime.events.outbox import post
from runtime.events.query import Query
from runtime.events.scores import Piece

_COLUMNS = tuple(field.name for field in fields(Event))
_INSERT = f"INSERT INTO events ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)})"
_UPDATE = f"UPDATE events SET {', '.join(f'{name} = :{name}' for name in _COLUMNS)} WHERE id = :id"
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM events"
_MISS_COLUMNS = tuple(field.name for field in fields(NearMiss))
_INSERT_MISS = (
    f"INSERT INTO near_misses ({', '.join(_MISS_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _MISS_COLUMNS)})"
)
_SELECT_MISSES = f"SELECT {', '.join(_MISS_COLUMNS)} FROM near_misses"
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
_CLOSE_ABANDONED = """
    UPDATE incidents SET ended_at = max(began_at, min(?, coalesce(
        (SELECT moment FROM ledger_until WHERE ledger_until.camera = incidents.camera),
        (SELECT max(moment) FROM ledger_until), ?)))
    WHERE ended_at IS NULL
"""
_CAMERAS = """
    SELECT camera FROM events UNION SELECT camera FROM near_misses UNION SELECT camera FROM ledger_until
    UNION SELECT camera FROM scores ORDER BY 1
"""
_ALARMS = "SELECT alarm FROM events UNION SELECT alarm FROM near_misses ORDER BY 1"
_FIRST, _LAST = "0000", "9999"


class EventStore:
    """What befell all cameras of this box. Every method that writes has committed to the disk when it returns.

    Times are wall clock, UTC, ISO 8601, as datetime.isoformat() writes them. Raises what Database raises.
    """

    def __init__(self, path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S, read_only: bool = False) -> None:
        """Open `path`, and create or upgrade it where needed; `read_only`: it must be there, and stays as it is."""
        self.path = path
        self.database = Database(path, busy_timeout_s, read_only)

    def __enter__(self) -> EventStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that is written in the block is committed at its end, or nothing."""
        with self.database.transaction():
            yield

    def add(self, event: Event, notice: Notice | None = None, sinks: Iterable[str] = ()) -> None:
        """Write a new event, and that `notice` of it is to be delivered to `sinks`, all of it or nothing."""
        with self.together():
            self.database.run(_INSERT, asdict(event))
            self._post(notice, sinks, event_id=event.id)

    def last_judged_s(self, event: Event) -> float:
        """The stream's time of the last recorded look of an event's camera in its run; when it was raised, at least."""
        select = "SELECT coalesce(max(last_s), 0) FROM scores WHERE run = ? AND camera = ?"
        ((last_s,),) = self.database.rows(select, (event.run, event.camera))
        return max(event.raised_s, float(last_s))

    def update(self, event: Event, notice: Notice | None = None, sinks: Iterable[str] = ()) -> None:
        """Write what has changed in an event that is there, and its deliveries, as `add` does."""
        with self.together():
            self.database.run(_UPDATE, asdict(event))
            self._post(notice, sinks, event_id=event.id)

    def events(self) -> list[Event]:
        """All events, the oldest first."""
        return [_event(row) for row in self.database.rows(f"{_SELECT} ORDER BY created_at, rowid")]

    def select(self, query: Query, limit: int) -> list[Event]:
        """The newest events that are asked for, the newest first."""
        where, values = query.where()
        order = f"WHERE {where} ORDER BY created_at DESC, rowid DESC LIMIT :limit"
        return [_event(row) for row in self.database.rows(f"{_SELECT} {order}", {**values, "limit": limit})]

    def select_misses(self, query: Query, limit: int) -> list[NearMiss]:
        """The newest near misses that are asked for, the newest first."""
        where, values = query.where()
        order = f"WHERE {where} ORDER BY created_at DESC, rowid DESC LIMIT :limit"
        rows = self.database.rows(f"{_SELECT_MISSES} {order}", {**values, "limit": limit})
        return [NearMiss(*row) for row in rows]

    def cameras(self) -> list[str]:
        """All cameras that anything is known of."""
        return [name for (name,) in self.database.rows(_CAMERAS)]

    def alarms(self) -> list[str]:
        """All alarms that were raised or came near."""
        return [name for (name,) in self.database.rows(_ALARMS)]

    def open_events(self) -> list[Event]:
        """Those that have no end: held now, or left by a run that was cut off."""
        return [
            _event(row) for row in self.database.rows(f"{_SELECT} WHERE ended_s IS NULL ORDER BY created_at, rowid")
        ]

    def find(self, id: str) -> list[Event]:
        """The events whose id begins with `id`; one when it is long enough."""
        rows = self.database.rows(f"{_SELECT} WHERE substr(id, 1, ?) = ? ORDER BY created_at", (len(id), id))
        return [_event(row) for row in rows]

    def add_miss(self, miss: NearMiss) -> None:
        """Write a near miss."""
        self.database.run(_INSERT_MISS, asdict(miss))

    def misses(self) -> list[NearMiss]:
        """All near misses, the oldest first."""
        return [NearMiss(*row) for row in self.database.rows(f"{_SELECT_MISSES} ORDER BY created_at, rowid")]

    def find_miss(self, id: str) -> list[NearMiss]:
        """The near misses whose id begins with `id`."""
        where = "WHERE substr(id, 1, ?) = ? ORDER BY created_at"
        return [NearMiss(*row) for row in self.database.rows(f"{_SELECT_MISSES} {where}", (len(id), id))]

    def add_scores(self, pieces: Sequence[Piece]) -> None:
        """Write recorded scores."""
        scores.write(self.database, pieces)

    def tell_of(self, incident: Incident, notice: Notice, sinks: Iterable[str]) -> None:
        """Write that `notice` of an incident that is there is to be delivered to `sinks`."""
        with self.together():
            self._post(notice, sinks, incident_id=incident.id)

    def open_incident(self, incident: Incident) -> None:
        """Write a new incident."""
        row = {**asdict(incident), "evidence": json.dumps(dict(incident.evidence), allow_nan=False)}
        self.database.run("INSERT INTO incidents VALUES (:id, :camera, :kind, :began_at, :ended_at, :evidence)", row)

    def close_incident(self, id: str, ended_at: str) -> None:
        """Write when an incident ended."""
        self.database.run("UPDATE incidents SET ended_at = ? WHERE id = ?", (ended_at, id))

    def close_abandoned(self, ended_at: str) -> int:
        """End the incidents that an earlier run left open, at `ended_at`; how many there were.

        None is known to have lasted longer than that run: each ends no later than what it booked of the camera. So this
        is to be called before the new run books anything.
        """
        return self.database.run(_CLOSE_ABANDONED, (ended_at, ended_at)).rowcount

    def incidents(self, since: str = _FIRST) -> list[Incident]:
        """The incidents that had not ended before `since`, the oldest first."""
        rows = self.database.rows(_INCIDENTS, (since,))
        return [
            Incident(id, camera, kind, began_at, ended_at, json.loads(evidence))
            for id, camera, kind, began_at, ended_at, evidence in rows
        ]

    def add_ledger(self, entries: Iterable[Entry], until: Mapping[str, datetime]) -> None:
        """Add seconds to the ledger, and `until` when each camera is booked; all of it or nothing."""
        with self.together():
            self.database.run_each(_ADD_SECONDS, [asdict(entry) for entry in entries])
            self.database.run_each(_MOVE_UNTIL, [(name, moment.isoformat()) for name, moment in until.items()])

    def ledger(self, since: str = _FIRST, until: str = _LAST) -> list[Entry]:
        """The entries of the hours that begin at `since` or later and before `until`, by camera, hour and category."""
        return [Entry(*row) for row in self.database.rows(_LEDGER, (since, until))]

    def booked_until(self) -> dict[str, datetime]:
        """Until when each camera is booked, aware."""
        rows = self.database.rows("SELECT camera, moment FROM ledger_until ORDER BY camera")
        return {camera: datetime.fromisoformat(moment) for camera, moment in rows}

    def close(self) -> None:
        """Close the file. May be called twice."""
        self.database.close()

    def _post(
        self,
        notice: Notice | None,
        sinks: Iterable[str],
        *,
        event_id: str | None = None,
        incident_id: str | None = None,
    ) -> None:
        if notice is not None:
            post(self.database, notice, sinks, event_id=event_id, incident_id=incident_id)


def _event(row: tuple[Any, ...]) -> Event:
    values = dict(zip(_COLUMNS, row, strict=True))
    return Event(**{**values, "interrupted": bool(values["interrupted"])})
