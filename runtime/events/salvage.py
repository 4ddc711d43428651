"""What can still be read of a damaged store, row by row, written into a new one."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from edge_resnet.errors import UserError
from runtime.events.store import EventStore

# What matters most first: there may not be time for all. Scores are not among them: they are many, and spare.
_TABLES = (
    "events",
    "deliveries",
    "incidents",
    "verdicts",
    "ledger",
    "ledger_until",
    "mode",
    "near_misses",
    "media",
)
# Parts of a table that can be lost, and the row saved all the same: whom a notice is of, when it is to be delivered.
_LOOSE = {"deliveries": ("event_id", "incident_id")}
# Where the numbers of a table's rows cannot be told, as many are tried.
_MOST_ROWS = 1 << 20
_ROWS_AT_ONCE = 4096
_TYPES: dict[str, tuple[type, ...]] = {"TEXT": (str,), "REAL": (float, int), "INTEGER": (int,), "BLOB": (bytes,)}

_Row = dict[str, Any]


def salvage(damaged: Path, fresh: Path, within_s: float) -> dict[str, int]:
    """Make a store at `fresh` of the rows that can be read of `damaged`, which stays as it is; how many, by table.

    What cannot be read within `within_s` seconds is left out. Raises UserError (Full) where `fresh` cannot be written.
    """
    until_s, saved = time.monotonic() + within_s, {}
    with EventStore(fresh) as store, closing(sqlite3.connect(_read_only(damaged), uri=True)) as source:
        source.row_factory = sqlite3.Row
        there = _tables(source)
        with store.together():
            for table in (each for each in _TABLES if each in there):
                # Of one that is all holes there must be time left for the others.
                half_s = (time.monotonic() + until_s) / 2
                rows = _typed(_rows(source, table, half_s), _types(store, table))
                if count := sum(_insert(store, table, row) for row in rows):
                    saved[table] = count
    return saved


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


def _rows(source: sqlite3.Connection, table: str, until_s: float) -> Iterator[_Row]:
    try:
        ((low, high),) = source.execute(f"SELECT min(rowid), max(rowid) FROM {table}").fetchall()
    except sqlite3.Error:
        low, high = 1, _MOST_ROWS
    if low is not None:
        for first in range(low, high + 1, _ROWS_AT_ONCE):
            yield from _between(source, table, first, min(first + _ROWS_AT_ONCE - 1, high), until_s)


def _between(source: sqlite3.Connection, table: str, low: int, high: int, until_s: float) -> Iterator[_Row]:
    """The rows of a span; where some cannot be read, those of its halves."""
    if time.monotonic() > until_s:
        return
    select = f"SELECT * FROM {table} WHERE rowid BETWEEN ? AND ? ORDER BY rowid"
    try:
        rows = source.execute(select, (low, high)).fetchall()
    except sqlite3.Error:
        if low < high:
            middle = (low + high) // 2
            yield from _between(source, table, low, middle, until_s)
            yield from _between(source, table, middle + 1, high, until_s)
        return
    yield from (dict(row) for row in rows)


def _types(store: EventStore, table: str) -> dict[str, tuple[type, ...]]:
    return {name: _TYPES[kind] for _, name, kind, *_ in store.database.rows(f"PRAGMA table_info({table})")}


def _typed(rows: Iterator[_Row], types: dict[str, tuple[type, ...]]) -> Iterator[_Row]:
    """The rows whose values are what they ought to be, without columns that are not known."""
    for row in rows:
        kept = {name: value for name, value in row.items() if name in types}
        if all(value is None or isinstance(value, types[name]) for name, value in kept.items()):
            yield kept


def _insert(store: EventStore, table: str, row: _Row) -> bool:
    """Write a row; whether it could be: what it belongs to may be lost."""
    if _written(store, table, row):
        return True
    loose = dict.fromkeys(_LOOSE.get(table, ()))
    return bool(loose) and _written(store, table, {**row, **loose})


def _written(store: EventStore, table: str, row: _Row) -> bool:
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    try:
        store.database.run(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({values})", row)
    except UserError as error:
        if isinstance(error.__cause__, sqlite3.IntegrityError):
            return False
        raise
    return True
