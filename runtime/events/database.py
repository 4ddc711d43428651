"""The file of the event store: opened, checked, upgraded; SQLite's errors told in one line."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from edge_resnet.errors import UserError
from runtime.events.schema import MIGRATIONS

# How long another process (a backup, a second camera) may hold the file before we give up.
BUSY_TIMEOUT_S = 5.0


# Who writes to a file in this process takes its turn here: SQLite would let them sleep, ever longer, and starve.
_turns: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)
_READING = ("SELECT", "PRAGMA")
# Of the table of events in each version of the schema.
_EVER = frozenset({"id", "camera", "alarm", "label", "raised_at", "created_at", "model_sha256"})


class Damaged(UserError):
    """The file is ours, or was, and can no longer be read."""


class Full(UserError):
    """No space is left on the disk."""


class Older(UserError):
    """The file is of an earlier version, and has to be upgraded by who writes to it."""


class Busy(UserError):
    """Somebody else writes to the file, and has not come to an end."""


class Database:
    """A connection to an event store, for one thread. Others open their own.

    Raises UserError, in one line, when the file is no event store, is newer, locked, not writable (Damaged, Full, Busy
    where that is the reason).
    """

    def __init__(self, path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S, read_only: bool = False) -> None:
        """Open `path`, and create or upgrade it where needed; `read_only`: it must be there, and stays as it is."""
        self.path = path
        self._patience_s = busy_timeout_s
        self._turn = _turns[path.absolute()]
        if not read_only:
            _make_folder_of(path)
        with self.told():
            target = f"{path.absolute().as_uri()}?mode=ro" if read_only else path
            self.connection = sqlite3.connect(target, timeout=busy_timeout_s, isolation_level=None, uri=read_only)
            try:
                if read_only:
                    self._require_current()
                else:
                    self._prepare()
            except BaseException:
                self.connection.close()
                raise

    def close(self) -> None:
        """Close the file. May be called twice."""
        self.connection.close()

    def run(self, statement: str, values: Any = ()) -> sqlite3.Cursor:
        """Run one statement; outside of a transaction it is committed to the disk when this returns."""
        alone = self._in_transaction() or statement.lstrip().startswith(_READING)
        with self.told(), nullcontext() if alone else self._writing():
            return self.connection.execute(statement, values)

    def run_each(self, statement: str, rows: Iterable[Any]) -> None:
        """Run one statement for each of `rows`."""
        with self.transaction():
            self.connection.executemany(statement, rows)

    def rows(self, statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
        """What a SELECT gives."""
        with self.told():
            return self.connection.execute(statement, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is run in the block is committed at its end, or nothing; inside another, with that one."""
        if self._in_transaction():
            yield
            return
        with self.told(), self._writing():
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                # A full disk may have ended it already.
                if self._in_transaction():
                    self.connection.execute("ROLLBACK")
                raise

    @contextmanager
    def waiting(self, seconds: float) -> Iterator[None]:
        """In the block, wait no longer than that for somebody else who writes."""
        usual_s = self._patience_s
        self._wait(seconds)
        try:
            yield
        finally:
            self._wait(usual_s)

    def _wait(self, seconds: float) -> None:
        self._patience_s = seconds
        self.connection.execute(f"PRAGMA busy_timeout = {round(1000 * seconds)}")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=self._patience_s):
            raise sqlite3.OperationalError("database is locked by another thread")
        try:
            yield
        finally:
            self._turn.release()

    def _in_transaction(self) -> bool:
        return self.connection.in_transaction

    def _prepare(self) -> None:
        run = self.connection.execute
        self._version()
        run("PRAGMA journal_mode = WAL")
        # An alarm must outlive a power cut; FULL costs an fsync an event, and events are rare.
        run("PRAGMA synchronous = FULL")
        run("PRAGMA foreign_keys = ON")
        # Takes the write lock, so that an unwritable file is found now and not at the first alarm; two that start at
        # once upgrade one after the other, and the second finds nothing left to do.
        with self.transaction():
            behind = MIGRATIONS[self._version() :]
            for script in behind:
                for statement in filter(str.strip, script.split(";")):
                    run(statement)
            # A store that is current can be opened though the disk is full.
            if behind:
                run(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _require_current(self) -> None:
        version = self._version()
        if version == 0:
            raise UserError(f"{self.path}: nothing is in it, so it is no event store; give --events another file")
        if version < len(MIGRATIONS):
            raise Older(f"{self.path}: an older event store; edge-resnet stream upgrades it when it writes to it")

    def _version(self) -> int:
        """The version of the schema in the file, 0 when it is new; nothing is changed in what is not ours."""
        (version,) = self.connection.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise UserError(
                f"{self.path}: version {version} of the event store is newer than this edge-resnet; update it"
            )
        tables = {name for (name,) in self.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        # Others may call a table so, and count their versions in the same way.
        columns = {column for _, column, *_ in self.connection.execute("PRAGMA table_info(events)")}
        if (version == 0 and tables) or (version > 0 and not columns >= _EVER):
            raise UserError(f"{self.path}: a database of another program; give --events another file")
        return int(version)

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turn SQLite's errors into one line with what to do."""
        try:
            yield
        except sqlite3.Error as error:
            kind, reason = _reason(error)
            raise kind(f"{_shown(self.path)}: {reason}") from error


def _make_folder_of(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{_shown(path)}: no folder for the event store ({error.strerror}); give --events another"
        ) from error


def _shown(path: Path) -> str:
    return os.fsencode(path).decode(errors="replace")


def _reason(error: sqlite3.Error) -> tuple[type[UserError], str]:
    text = str(error)
    if "not a database" in text or "malformed" in text:
        return Damaged, f"not an event store ({text}); give --events another file, or move this one away"
    if "locked" in text or "busy" in text:
        return Busy, "another program holds the event store; end it, or give --events another file"
    if "full" in text:
        return Full, "no space left for the event store; free some, or give --events a path on another disk"
    return UserError, f"the event store cannot be used ({text}); give --events a path that can be written"
