"""A copy of the event store while a watch writes to it: whole, of one moment, or not there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from edge_resnet import files
from edge_resnet.errors import UserError
from runtime.events.database import Database

# A megabyte a step, so that it can be told how far it is, and interrupted.
_STEP_PAGES = 256


def backup(store: Path, target: Path, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
    """Copy the event store to `target`, which is replaced, if it is there. Pictures and clips are not copied.

    `progress`: pages done, and of how many. Raises UserError, and then `target` is as it was.
    """
    _check(store, target)
    database = Database(store, read_only=True)
    try:
        with files.whole_file(target) as temporary:
            _copy(database.connection, temporary, progress)
    except OSError as error:
        raise UserError(f"{target}: the copy cannot be written ({error.strerror}); give another path") from error
    except sqlite3.Error as error:
        raise UserError(
            f"{store}: cannot be copied to {target} ({error}); is there space, is the store whole?"
        ) from error
    finally:
        database.close()


def _check(store: Path, target: Path) -> None:
    if target.exists() and store.exists() and target.samefile(store):
        raise UserError(f"{target}: is the event store itself; give the copy another name")
    if any(target.with_name(f"{target.name}{suffix}").exists() for suffix in ("-wal", "-journal")):
        # It would be taken for the copy's own.
        raise UserError(f"{target}: a database that is in use or was left so; give the copy another name")


def _copy(source: sqlite3.Connection, temporary: Path, progress: Callable[[int, int], None]) -> None:
    copy = sqlite3.connect(temporary, isolation_level=None)
    try:
        # Reading goes on at one moment of the store, or each commit of the watch would begin the copy anew.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(
            copy, pages=_STEP_PAGES, progress=lambda _, left, total: progress(total - left, total), sleep=0.001
        )
        source.execute("ROLLBACK")
        # One file, with nothing beside it.
        copy.execute("PRAGMA journal_mode = DELETE")
        (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
    finally:
        copy.close()
