"""A store that is damaged: moved aside whole, what can be read of it saved into a new one, and the watch goes on."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from edge_resnet import files
from edge_resnet.errors import UserError
from runtime.events.ballast import Ballast, is_full
from runtime.events.database import Damaged, Full
from runtime.events.journal import utc_now
from runtime.events.patient import PatientStore
from runtime.events.salvage import Saved, salvage
from runtime.events.store import EventStore

# Nobody watches meanwhile: of a large store the scores, which are looked at last, may remain unchecked.
CHECK_S = 5.0
# Damaged stores that are kept; with one more, the oldest goes.
MOST_ASIDE = 3
# SQLite's steps between two looks at the clock: about a millisecond.
_STEPS = 10_000
# What a store of ours has in it, also where its header is destroyed.
_OURS = (b"CREATE TABLE ledger_until", b"CREATE TABLE near_misses", b"CREATE TABLE events (")
_SEARCHED_BYTES = 1 << 24
_CHECKED_FIRST = ("events", "deliveries", "incidents", "near_misses", "ledger", "ledger_until", "media", "verdicts")


@dataclass(frozen=True)
class StoreOpener:
    """Opens the store at `path`. `tell`: a log's method, such as Log.error; of what was damaged it is told."""

    path: Path
    tell: Callable[..., None]
    check_s: float = CHECK_S
    wall: Callable[[], datetime] = utc_now

    def open(self) -> EventStore:
        """The store, checked as far as `check_s` seconds allow; a damaged one is replaced.

        Raises Full where there is no space, UserError where the file is another program's, or of a newer version:
        that is left as it is.
        """
        try:
            store = EventStore(self.path)
        except Damaged as error:
            if not self._is_ours():
                raise
            return self.anew(str(error.__cause__ or error))
        except UserError as error:
            raise self._full(error) from error
        if wrong := _check(store, self.check_s):
            store.close()
            return self.anew(wrong)
        return store

    def anew(self, why: str) -> EventStore:
        """A new store with what can be read of the damaged one. Raises Full, UserError."""
        saved = Saved()
        try:
            with files.whole_file(self.path) as fresh:
                try:
                    saved = salvage(self.path, fresh, self.check_s)
                finally:
                    _remove_beside(fresh)
                aside = self._move_aside()
        except (OSError, UserError):
            # No space for what could be saved: it is still in the file that is moved aside.
            saved, aside = Saved(), self._move_aside()
        self.tell(
            "the event store was damaged, and a new one is begun",
            why=why,
            moved_to=str(aside),
            saved=dict(saved.rows),
            left_out=dict(saved.left_out),
        )
        try:
            return EventStore(self.path)
        except UserError as error:
            raise self._full(error) from error

    def _full(self, error: UserError) -> UserError:
        """SQLite also tells of other errors when it is only that there is no space."""
        lacking = isinstance(error.__cause__, sqlite3.OperationalError) and is_full(self.path.parent)
        return Full(f"{self.path}: no space left for the event store") if lacking else error

    def _is_ours(self) -> bool:
        """Whether a file that is no database any more was ours: nobody's photograph is moved away."""
        if Ballast(self.path).path.exists():
            return True
        with suppress(OSError), self.path.open("rb") as file:
            content = file.read(_SEARCHED_BYTES)
            return any(mark in content for mark in _OURS)
        return False

    def _move_aside(self) -> Path:
        aside = self.path.with_name(f"{self.path.name}.damaged-{self.wall():%Y%m%dT%H%M%S}")
        # The log of what is not yet in the file goes first: a new file must never find it.
        for suffix in ("-wal", "-shm", ""):
            with suppress(FileNotFoundError):
                self.path.with_name(f"{self.path.name}{suffix}").rename(f"{aside}{suffix}")
        beside = self.path.parent.glob(f"{self.path.name}.damaged-*")
        older = sorted(each for each in beside if not each.name.endswith(("-wal", "-shm")))
        for each in older[:-MOST_ASIDE]:
            _remove_beside(each)
            each.unlink(missing_ok=True)
        return aside


def open_patiently(path: Path, tell: Callable[..., None], make_room: Callable[[], None] = lambda: None) -> PatientStore:
    """The store for a watch, which goes on with a full disk: it is opened then when there is space again.

    Raises UserError where the file is another program's, of a newer version, or cannot be written at all.
    """
    opener, ballast = StoreOpener(path, tell), Ballast(path)
    store: EventStore | None
    try:
        store = opener.open()
    except Full as error:
        store = _with_ballast(opener, ballast)
        if store is None:
            tell("the event store cannot be opened yet, nothing is known of earlier runs", reason=str(error))
    patient = PatientStore(store, tell, opener, ballast, make_room)
    ballast.load()
    return patient


def _with_ballast(opener: StoreOpener, ballast: Ballast) -> EventStore | None:
    with suppress(Full):
        return opener.open() if ballast.release() else None
    return None


def _check(store: EventStore, within_s: float) -> str:
    """What is wrong with a store; empty when nothing is, as far as there was time to look."""
    connection, until_s = store.database.connection, time.monotonic() + within_s
    connection.set_progress_handler(lambda: time.monotonic() > until_s, _STEPS)
    try:
        for check in (*(f"quick_check({table})" for table in _CHECKED_FIRST), "quick_check(1)"):
            for (verdict,) in connection.execute(f"PRAGMA {check}"):
                if verdict != "ok":
                    return str(verdict)
    except sqlite3.OperationalError as error:
        # Time is up.
        return "" if "interrupted" in str(error) else str(error)
    except sqlite3.DatabaseError as error:
        return str(error)
    finally:
        connection.set_progress_handler(None, _STEPS)
    return ""


def _remove_beside(path: Path) -> None:
    for suffix in ("-wal", "-shm"):
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
