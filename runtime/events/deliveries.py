"""Deliveries: what each sink is still to be told, what it was told, what it could not be told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from runtime.events.database import BUSY_TIMEOUT_S, Database
from runtime.events.journal import utc_now
from runtime.events.notice import Notice
from runtime.events.outbox import post

# `dead` could not be delivered and is not tried again by itself; `folded` is told by a summary.
State = Literal["pending", "delivered", "dead", "folded"]

_SELECT = """
    SELECT id, sink, notice, state, attempts, created_at, settled_at, error, folded_into, event_id FROM deliveries
"""
_SETTLE = "UPDATE deliveries SET state = ?, attempts = attempts + 1, settled_at = ?, error = ? WHERE id = ?"
_FOLD = "UPDATE deliveries SET state = 'folded', settled_at = ?, folded_into = ? WHERE id = ? AND state = 'pending'"
# Old when it was written, it would be given up at the first failure.
_RESEND = """
    UPDATE deliveries SET state = 'pending', attempts = 0, settled_at = NULL, created_at = ?
    WHERE state = 'dead' AND
"""
_COUNTS = """
    SELECT sink, sum(state = 'pending'), sum(state = 'delivered'), sum(state = 'dead'), sum(state = 'folded'),
        min(CASE state WHEN 'pending' THEN created_at END)
    FROM deliveries GROUP BY sink ORDER BY sink
"""
_WAITING = """
    SELECT sink, sum(state = 'pending'), sum(state = 'dead'), min(CASE state WHEN 'pending' THEN created_at END)
    FROM deliveries WHERE state IN ('pending', 'dead') GROUP BY sink
"""
# Told and not yet over: the event is held, or that it was cleared is still to be told. Few are, of all there are.
_STANDING_EVENTS = """
    WITH open (id) AS (
        SELECT id FROM events WHERE ended_s IS NULL UNION
        SELECT event_id FROM deliveries WHERE state = 'pending' AND sink = :sink AND event_id IS NOT NULL
    )
    SELECT told.notice FROM open JOIN deliveries AS told ON told.event_id = open.id
    WHERE told.sink = :sink AND told.state IN ('delivered', 'folded') AND told.notice_id = open.id || ':raised'
    ORDER BY told.id
"""
# Of each camera the last that was told, where that is that it is down.
_STANDING_INCIDENTS = """
    SELECT notice FROM deliveries WHERE id IN (
        SELECT max(told.id) FROM deliveries AS told JOIN incidents ON incidents.id = told.incident_id
        WHERE told.state IN {states} AND (:sink IS NULL OR told.sink = :sink) GROUP BY incidents.camera
    ) AND notice_id = incident_id || ':down' ORDER BY id
"""


@dataclass(frozen=True)
class Delivery:
    """One notice for one sink. `id`: in the order in which they were written.

    `attempts`: how often it was tried. `created_at`, `settled_at`: wall clock, UTC, ISO 8601; the second is None while
    it is pending. `error`: of the last attempt that failed. `folded_into`: the id of the notice that tells it.
    """

    id: int
    sink: str
    notice: Notice
    state: State
    attempts: int
    created_at: str
    settled_at: str | None = None
    error: str | None = None
    folded_into: str | None = None
    event_id: str | None = None


@dataclass(frozen=True)
class Count:
    """The deliveries of one sink, by state. `oldest_at`: since when the oldest pending one waits; None without one."""

    sink: str
    pending: int
    delivered: int
    dead: int
    folded: int
    oldest_at: str | None


@dataclass(frozen=True)
class Waiting:
    """What a sink has not been told: `pending` are tried again, `dead` are not; `oldest_at` as of Count."""

    pending: int = 0
    dead: int = 0
    oldest_at: str | None = None


class Deliveries:
    """The deliveries in an event store, over a connection of its own: one a thread.

    Every method that writes has committed to the disk when it returns. Raises what Database raises.
    """

    def __init__(
        self,
        path: Path,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
        read_only: bool = False,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """Open `path`, and create or upgrade it where needed; `read_only`: it must be there, and stays as it is."""
        self.database = Database(path, busy_timeout_s, read_only)
        self._now = now

    def __enter__(self) -> Deliveries:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def pending(self, sink: str, most: int) -> list[Delivery]:
        """The oldest that a sink is still to be told, in order."""
        return self._select("WHERE state = 'pending' AND sink = ? ORDER BY id LIMIT ?", (sink, most))

    def delivered(self, ids: Sequence[int]) -> None:
        """These were delivered."""
        moment = self._moment()
        with self.database.transaction():
            self.database.run_each(_SETTLE, [("delivered", moment, None, id) for id in ids])

    def failed(self, id: int, error: str) -> None:
        """An attempt failed, for the reason `error`; it stays pending."""
        self.database.run("UPDATE deliveries SET attempts = attempts + 1, error = ? WHERE id = ?", (error, id))

    def dead(self, id: int, error: str) -> None:
        """It cannot be delivered, for the reason `error`."""
        self.database.run(_SETTLE, ("dead", self._moment(), error, id))

    def give_up(self, sink: str, before: str, error: str) -> int:
        """What a sink is still to be told since before that moment cannot be delivered; how many there were."""
        old = "sink = ? AND state = 'pending' AND created_at < ?"
        values = (self._moment(), error, sink, before)
        return self.database.run(
            f"UPDATE deliveries SET state = 'dead', settled_at = ?, error = ? WHERE {old}", values
        ).rowcount

    def fold(self, sink: str, summary: Callable[[Sequence[Notice]], Notice]) -> None:
        """Have all that a sink is still to be told be told by one notice, which `summary` makes of them."""
        with self.database.transaction():
            folded = self._select("WHERE state = 'pending' AND sink = ? ORDER BY id", (sink,))
            notice = summary([delivery.notice for delivery in folded])
            self.database.run_each(_FOLD, [(self._moment(), notice.id, delivery.id) for delivery in folded])
            post(self.database, notice, [sink], event_id=None, incident_id=None)

    def resend(self, ids: Iterable[int] | None = None, sink: str | None = None) -> int:
        """Have dead letters delivered after all: these `ids`, else all of a `sink`, else all; how many there were.

        They keep the ids of their notices, and their place: they come before what was written later.
        """
        moment = self._moment()
        if ids is None:
            return self.database.run(f"{_RESEND} (? IS NULL OR sink = ?)", (moment, sink, sink)).rowcount
        with self.database.transaction():
            return sum(self.database.run(f"{_RESEND} id = ?", (moment, id)).rowcount for id in ids)

    def find(self, sink: str | None = None, state: State | None = None) -> list[Delivery]:
        """Deliveries of one sink, or all; in one state, or any; in order."""
        where = "WHERE (? IS NULL OR sink = ?) AND (? IS NULL OR state = ?) ORDER BY id"
        return self._select(where, (sink, sink, state, state))

    def counts(self) -> list[Count]:
        """How many deliveries there are, by sink."""
        return [Count(*row) for row in self.database.rows(_COUNTS)]

    def waiting(self) -> dict[str, Waiting]:
        """What was not told, by sink; those of which all was told are left out. Cheap, however much was delivered."""
        return {sink: Waiting(*counts) for sink, *counts in self.database.rows(_WAITING)}

    def standing(self, sink: str) -> list[Notice]:
        """What a sink was told and still holds: alarms that were raised and not cleared, cameras that are down."""
        events = self.database.rows(_STANDING_EVENTS, {"sink": sink})
        told = _STANDING_INCIDENTS.format(states="('delivered', 'folded')")
        incidents = self.database.rows(told, {"sink": sink})
        return [Notice.from_json(text) for (text,) in (*events, *incidents)]

    def told_down(self) -> list[Notice]:
        """Of each camera that any sink was, or is to be, told to be down and not yet to be up again: that notice."""
        told = _STANDING_INCIDENTS.format(states="('pending', 'delivered', 'folded', 'dead')")
        return [Notice.from_json(text) for (text,) in self.database.rows(told, {"sink": None})]

    def pictures(self, event_id: str) -> Sequence[Path]:
        """The pictures of an event that are there."""
        rows = self.database.rows("SELECT path FROM media WHERE event_id = ? ORDER BY id", (event_id,))
        paths = (self.database.path.absolute().parent / path for (path,) in rows)
        return [path for path in paths if path.suffix == ".jpg" and path.is_file()]

    def close(self) -> None:
        """Close the file. May be called twice."""
        self.database.close()

    def _moment(self) -> str:
        return self._now().isoformat(timespec="milliseconds")

    def _select(self, where: str, values: Sequence[Any]) -> list[Delivery]:
        rows = self.database.rows(f"{_SELECT} {where}", values)
        return [Delivery(id, sink, Notice.from_json(text), *rest) for id, sink, text, *rest in rows]
