"""What can still be read of a damaged store, row by row, written into a new one."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runtime.events.store import EventStore

# There may not be time for all: what somebody has still to be told of comes before what is over.
_FIRST = (("deliveries", "state = 'pending'"), ("events", "ended_s IS NULL"))
# Then what matters most. Scores are not among them: they are many, and spare.
_TABLES = (
    "events",
    "deliveries",
    "incidents",
    "verdicts",
    "ledger",
    "ledger_until",
    "mode",
    "attendances",
    "near_misses",
    "media",
)
# A delivery is saved though what it is of is lost: somebody has still to be told. What else belongs to lost rows goes.
_MENDED = (
    "UPDATE deliveries SET event_id = NULL WHERE event_id NOT IN (SELECT id FROM events)",
    "UPDATE deliveries SET incident_id = NULL WHERE incident_id NOT IN (SELECT id FROM incidents)",
    "DELETE FROM verdicts WHERE event_id NOT IN (SELECT id FROM events)",
    "DELETE FROM media WHERE event_id NOT IN (SELECT id FROM events)",
    "DELETE FROM media WHERE near_miss_id NOT IN (SELECT id FROM near_misses)",
)
# Where the numbers of a table's rows cannot be told, as many are tried.
_MOST_ROWS = 1 << 20
_ROWS_AT_ONCE = 4096
# Of the new store: what is written is looked up in indices, which would else go to the disk and back.
_CACHE_KB = 64_000
_TYPES = {"TEXT": "'text'", "REAL": "'real', 'integer'", "INTEGER": "'integer'", "BLOB": "'blob'"}


@dataclass(frozen=True)
class Saved:
    """How many rows were copied, by table; and `left_out`: how many at most were not, being unreadable or for lack of
    time, None where nobody knows.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int | None] = field(default_factory=dict)


def salvage(damaged: Path, fresh: Path, within_s: float) -> Saved:
    """Make a store at `fresh` of the rows that can be read of `damaged`, which stays as it is, the newest first.

    What cannot be read within `within_s` seconds is left out. Raises UserError (Full) where `fresh` cannot be written.
    """
    until_s = time.monotonic() + within_s
    with EventStore(fresh) as store, closing(sqlite3.connect(_read_only(damaged), uri=True)) as source:
        # What a row belongs to may come after it, or be lost.
        store.database.run("PRAGMA foreign_keys = OFF")
        store.database.run(f"PRAGMA cache_size = -{_CACHE_KB}")
        names = _tables(source)
        tables = {name: _Table(source, name, _columns(source, store, name)) for name in _TABLES if name in names}
        with store.together():
            for name, which in (*_FIRST, *((name, "true") for name in tables)):
                if name in tables:
                    # Of one that is all holes there must be time left for the others.
                    tables[name].copy(store, which, (time.monotonic() + until_s) / 2)
            for statement in _MENDED:
                store.database.run(statement)
            return _count(tables, store)


class _Table:
    """A table of the damaged store. `numbers`: of its rows, some of which may be gone; None where nobody knows them."""

    def __init__(self, source: sqlite3.Connection, name: str, columns: Mapping[str, str]) -> None:
        """`columns`: those to be copied, and their types."""
        self._source, self._name, self._columns = source, name, columns
        self.numbers: range | None = None
        with suppress(sqlite3.Error):
            ((low, high),) = source.execute(f"SELECT min(rowid), max(rowid) FROM {name}").fetchall()
            self.numbers = range(0) if low is None else range(low, high + 1)

    def copy(self, store: EventStore, which: str, until_s: float) -> None:
        """Write the rows for which `which` holds, and which are not there yet, into `store`."""
        names = ", ".join(("rowid", *self._columns))
        insert = f"INSERT OR IGNORE INTO {self._name} ({names}) VALUES ({', '.join('?' * (1 + len(self._columns)))})"
        types = ["true", *(f"typeof({name}) IN ('null', {_TYPES[kind]})" for name, kind in self._columns.items())]
        # An index may be damaged where the table is not.
        select = f"""
            SELECT {names} FROM {self._name} NOT INDEXED
            WHERE rowid BETWEEN ? AND ? AND {which} AND {" AND ".join(types)} ORDER BY rowid
        """
        for rows in self._rows(select, until_s):
            store.database.run_each(insert, rows)

    def _rows(self, select: str, until_s: float) -> Iterator[list[tuple[Any, ...]]]:
        """The newest first, many at once; where some cannot be read, those beside them."""
        numbers = range(1, _MOST_ROWS) if self.numbers is None else self.numbers
        spans = [numbers[first : first + _ROWS_AT_ONCE] for first in range(0, len(numbers), _ROWS_AT_ONCE)]
        while spans and time.monotonic() < until_s:
            span = spans.pop()
            try:
                yield self._source.execute(select, (span[0], span[-1])).fetchall()
            except sqlite3.Error:
                if len(span) > 1:
                    middle = len(span) // 2
                    spans += [span[:middle], span[middle:]]


def _count(tables: Mapping[str, _Table], store: EventStore) -> Saved:
    saved: dict[str, int] = {}
    left_out: dict[str, int | None] = {}
    for name, table in tables.items():
        ((count,),) = store.database.rows(f"SELECT count(*) FROM {name}")
        if count:
            saved[name] = count
        if table.numbers is None or count < len(table.numbers):
            left_out[name] = None if table.numbers is None else len(table.numbers) - count
    return Saved(saved, left_out)


def _read_only(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro"


def _tables(source: sqlite3.Connection) -> set[str]:
    """The tables of which anything can be known."""
    try:
        # A file that was cut off is then read as far as it goes.
        source.execute("PRAGMA writable_schema = ON")
        return {name for (name,) in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error:
        return set()


def _columns(source: sqlite3.Connection, store: EventStore, table: str) -> dict[str, str]:
    """The columns of a table that both stores know, and their types."""
    info, there = f"PRAGMA table_info({table})", set()
    with suppress(sqlite3.Error):
        there = {name for _, name, *_ in source.execute(info)}
    return {name: kind for _, name, kind, *_ in store.database.rows(info) if name in there}
