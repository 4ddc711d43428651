"""Deliveries: what each sink is still to be told, what it was told, what it could not be told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from runtime.events.database import BUSY_TIMEOUT_S, Database
from runtime.events.journal import utc_now
from runtime.events.notice import Notice, Unreadable
from runtime.events.outbox import post
from runtime.moment import iso

# `dead` could not be delivered and is not tried again by itself; `folded` is told by a summary.
State = Literal["pending", "delivered", "dead", "folded"]

# As bytes: of a text that is damaged SQLite gives nothing, and of no other row of the answer either.
_SELECT = """
    SELECT CAST(notice AS BLOB), notice_id,
        id, sink, state, attempts, created_at, settled_at, error, folded_into, event_id
    FROM deliveries
"""
# Where a damaged store was replaced, another delivery may have the number.
_THIS = "id = ? AND sink = ? AND notice_id = ?"
_SETTLE = f"UPDATE deliveries SET state = ?, attempts = attempts + 1, settled_at = ?, error = ? WHERE {_THIS}"
_FAIL = f"UPDATE deliveries SET attempts = attempts + 1, error = ? WHERE {_THIS}"
_GIVE_UP = """
    UPDATE deliveries SET state = 'dead', settled_at = ?, error = ?
    WHERE state = 'pending' AND sink = ? AND created_at >= ? AND created_at < ?
"""
_FOLDABLE = "state = 'pending' AND sink = ? AND urgent = 0 AND id <= ?"
_FOLD = f"UPDATE deliveries SET state = 'folded', settled_at = ?, folded_into = ? WHERE {_FOLDABLE}"
_SUMMARY = ":summary"
_DEAD_SUMMARIES = f"FROM deliveries WHERE state = 'dead' AND sink = ? AND notice_id LIKE '%{_SUMMARY}'"
_UNFOLD = f"""
    UPDATE deliveries SET state = 'dead', settled_at = ?, error = ?, folded_into = NULL
    WHERE state = 'folded' AND sink = ? AND folded_into IN (SELECT notice_id {_DEAD_SUMMARIES})
"""
# So many notices are read at once while they are folded.
_PAGE = 1000
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
    SELECT state, sink, count(*), min(created_at)
    FROM deliveries WHERE state IN ('pending', 'dead') GROUP BY state, sink
"""
# Told and not yet over: the event is held, or that it was cleared is still to be told. Few are, of all there are.
_STANDING_EVENTS = """
    WITH open (id) AS (
        SELECT id FROM events WHERE ended_s IS NULL UNION
        SELECT event_id FROM deliveries WHERE state = 'pending' AND sink = :sink AND event_id IS NOT NULL
    )
    SELECT CAST(told.notice AS BLOB), told.notice_id FROM open JOIN deliveries AS told ON told.event_id = open.id
    WHERE told.sink = :sink AND told.state IN ('delivered', 'folded') AND told.notice_id = open.id || ':raised'
    ORDER BY told.id
"""
# Of each camera the last that was told, where that is that it is down.
_STANDING_INCIDENTS = """
    SELECT CAST(notice AS BLOB), notice_id FROM deliveries WHERE id IN (
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


def _nobody(event: str, **facts: Any) -> None:
    """Who runs a command sees it in its answer."""


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
        tell: Callable[..., None] = _nobody,
    ) -> None:
        """Open `path`, and create or upgrade it where needed; `read_only`: it must be there, and stays as it is.

        `tell`: a log's method, such as Log.error; of notices that are lost it is told.
        """
        self.database = Database(path, busy_timeout_s, read_only)
        self._now, self._tell = now, tell

    def __enter__(self) -> Deliveries:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def pending(self, sink: str, most: int) -> list[Delivery]:
        """The oldest that a sink is still to be told, in order. What cannot be read of them becomes a dead letter."""
        return self._pending("sink = ?", (sink,), most)

    def urgent(self, sink: str) -> Delivery | None:
        """The oldest of the critical alarms that a sink is still to be told."""
        return next(iter(self._pending("sink = ? AND urgent = 1", (sink,), 1)), None)

    def delivered(self, deliveries: Iterable[Delivery]) -> None:
        """These were delivered."""
        self._settle("delivered", None, [(each.id, each.sink, each.notice.id) for each in deliveries])

    def failed(self, delivery: Delivery, error: str) -> None:
        """An attempt failed, for the reason `error`; it stays pending."""
        self.database.run(_FAIL, (error, delivery.id, delivery.sink, delivery.notice.id))

    def dead(self, delivery: Delivery, error: str) -> None:
        """It cannot be delivered, for the reason `error`. Of a summary, this befalls what it tells, and it is gone."""
        self._bury(delivery.id, delivery.sink, delivery.notice.id, error)

    def give_up(self, sink: str, since: str, before: str, error: str) -> int:
        """What a sink is still to be told of that time becomes dead letters, as by `dead`; how many there were."""
        with self.database.transaction():
            given_up = self.database.run(_GIVE_UP, (self._moment(), error, sink, since, before)).rowcount
            self._unfold(sink, error)
        return given_up

    def fold(self, sink: str, summary: Callable[[Sequence[Notice]], Notice]) -> bool:
        """Have all that a sink is still to be told be told by one notice, which `summary` makes of them; whether it is.

        What is urgent is not folded, nor is one alone. `summary` is given no bodies but those of other summaries. Who
        writes to the store waits only for the end of it: of many thousands the rest takes seconds.
        """
        folded = list(self._foldable(sink))
        if len(folded) < 2:
            return False
        notice = summary([delivery.notice for delivery in folded])
        values = (sink, folded[-1].id)
        with self.database.transaction():
            there = self.database.rows(f"SELECT count(*), sum(id) FROM deliveries WHERE {_FOLDABLE}", values)
            # Somebody may have had dead letters sent again meanwhile, of which it does not tell.
            if same := there == [(len(folded), sum(delivery.id for delivery in folded))]:
                self.database.run(_FOLD, (self._moment(), notice.id, *values))
                post(self.database, notice, [sink], event_id=None, incident_id=None)
        return same

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
        """Deliveries of one sink, or all; in one state, or any; in order. Those that cannot be read are left out."""
        where = "WHERE (? IS NULL OR sink = ?) AND (? IS NULL OR state = ?) ORDER BY id"
        found = []
        for row in self.database.rows(f"{_SELECT} {where}", (sink, sink, state, state)):
            with suppress(Unreadable):
                found.append(_delivery(row))
        return found

    def counts(self) -> list[Count]:
        """How many deliveries there are, by sink."""
        return [Count(*row) for row in self.database.rows(_COUNTS)]

    def waiting(self) -> dict[str, Waiting]:
        """What was not told, by sink; those of which all was told are left out. Cheap, however much was delivered."""
        waiting: dict[str, Waiting] = {}
        for state, sink, count, oldest_at in self.database.rows(_WAITING):
            so_far = waiting.get(sink, Waiting())
            if state == "pending":
                waiting[sink] = replace(so_far, pending=count, oldest_at=oldest_at)
            else:
                waiting[sink] = replace(so_far, dead=count)
        return waiting

    def standing(self, sink: str) -> list[Notice]:
        """What a sink was told and still holds: alarms that were raised and not cleared, cameras that are down."""
        events = self.database.rows(_STANDING_EVENTS, {"sink": sink})
        told = _STANDING_INCIDENTS.format(states="('delivered', 'folded')")
        incidents = self.database.rows(told, {"sink": sink})
        return list(_readable((*events, *incidents)))

    def told_down(self) -> list[Notice]:
        """Of each camera that any sink was, or is to be, told to be down and not yet to be up again: that notice."""
        told = _STANDING_INCIDENTS.format(states="('pending', 'delivered', 'folded', 'dead')")
        return list(_readable(self.database.rows(told, {"sink": None})))

    def pictures(self, event_id: str) -> Sequence[Path]:
        """The pictures of an event that are there."""
        rows = self.database.rows("SELECT path FROM media WHERE event_id = ? ORDER BY id", (event_id,))
        paths = (self.database.path.absolute().parent / path for (path,) in rows)
        return [path for path in paths if path.suffix == ".jpg" and path.is_file()]

    def close(self) -> None:
        """Close the file. May be called twice."""
        self.database.close()

    def _moment(self) -> str:
        return iso(self._now())

    def _pending(self, which: str, values: Sequence[Any], most: int) -> list[Delivery]:
        where = f"WHERE state = 'pending' AND {which} ORDER BY id LIMIT ?"
        while True:
            rows, found = self.database.rows(f"{_SELECT} {where}", (*values, most)), []
            for row in rows:
                try:
                    found.append(_delivery(row))
                except Unreadable as error:
                    _, notice_id, id, sink, *_ = row
                    self._bury(id, sink, notice_id, str(error))
                    self._tell("a notice cannot be read any more, and is lost", sink=sink, delivery=id, why=str(error))
            if found or not rows:
                return found

    def _foldable(self, sink: str) -> Iterator[Delivery]:
        last = 0
        while page := self._pending("sink = ? AND urgent = 0 AND id > ?", (sink, last), _PAGE):
            last = page[-1].id
            for each in page:
                is_summary = each.notice.what == "summary"
                yield each if is_summary else replace(each, notice=replace(each.notice, body={}))

    def _bury(self, id: int, sink: str, notice_id: str, error: str) -> None:
        with self.database.transaction():
            self._settle("dead", error, [(id, sink, notice_id)])
            if notice_id.endswith(_SUMMARY):
                self._unfold(sink, error)

    def _unfold(self, sink: str, error: str) -> None:
        """Let nothing be hidden behind a summary that cannot be delivered."""
        values = (self._moment(), error, sink, sink)
        if self.database.rows(f"SELECT 1 {_DEAD_SUMMARIES} LIMIT 1", (sink,)):
            # It may tell of others.
            while self.database.run(_UNFOLD, values).rowcount:
                pass
            self.database.run(f"DELETE {_DEAD_SUMMARIES}", (sink,))

    def _settle(self, state: State, error: str | None, which: Iterable[tuple[int, str, str]]) -> None:
        self.database.run_each(_SETTLE, [(state, self._moment(), error, *each) for each in which])


def _delivery(row: tuple[Any, ...]) -> Delivery:
    text, notice_id, id, sink, *rest = row
    return Delivery(id, sink, _notice(text, notice_id), *rest)


def _notice(text: bytes, id: str) -> Notice:
    notice = Notice.from_json(text)
    if notice.id != id:
        raise Unreadable(f"the notice of another delivery ({notice.id})")
    return notice


def _readable(rows: Iterable[tuple[bytes, str]]) -> Iterator[Notice]:
    for text, id in rows:
        with suppress(Unreadable):
            yield _notice(text, id)
