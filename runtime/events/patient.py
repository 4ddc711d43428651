"""A store that is written to later when it cannot be now: a full disk must not end the watch of a live camera.

What could not be written waits in memory, in order, and is tried again; nothing is told to be in the store that is not.
Another program that writes to it for long is not waited for. A full disk takes recorded scores first, then near misses;
for events and incidents the ballast is given away. A store that turns out to be damaged is replaced, and what this run
has written of events is written anew.
"""

from __future__ import annotations

import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from edge_resnet.errors import UserError
from runtime.events.ballast import Ballast, is_full
from runtime.events.database import BUSY_TIMEOUT_S, Busy, Damaged, Full
from runtime.events.entry import Entry
from runtime.events.event import Event
from runtime.events.incident import Incident
from runtime.events.near_miss import NearMiss
from runtime.events.notice import Notice
from runtime.events.scores import Piece
from runtime.events.store import EventStore
from runtime.events.waiting import MISS, SCORES, Remembered, Run, Waiting, Write

# A transaction of what waited: longer ones would hold up the main thread.
_AT_ONCE = 500
# SQLite's own; and where space is scarce, since the log would be the largest part of all.
_LOG_PAGES, _SHORT_LOG_PAGES = 1000, 8
# The watch stands still meanwhile.
_PATIENCE_S = 0.5
# Where somebody else writes for longer it is tried again after so long; of what waits then scores are no large part.
_BUSY_FOR_S, _MOST_BUSY = 2.0, 100
# A disk that damages what is written to it must not be filled with damaged stores.
_ANEW_EVERY_S = 60.0


class Opener(Protocol):
    """Opens the store; see runtime/events/recovery.py."""

    def open(self) -> EventStore:
        """The store, checked, and replaced where it is damaged. Raises Full, UserError."""

    def anew(self, why: str) -> EventStore:
        """A new store in the place of one that is damaged. Raises Full, UserError."""


@dataclass
class PatientStore:
    """Takes what the EventStore takes, and raises nothing.

    `opened`: the store; None while it cannot be opened. `tell`: a log's method, such as Log.error. `opener`: opens the
    store later, or anew; None where it is as it is. `ballast`: space for when there is no other. `make_room`: asks for
    space on the disk, and returns at once.
    """

    opened: EventStore | None
    tell: Callable[..., None]
    opener: Opener | None = None
    ballast: Ballast | None = None
    make_room: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.monotonic
    _waiting: Waiting = field(default_factory=Waiting, init=False)
    _remembered: Remembered = field(default_factory=Remembered, init=False)
    _seconds: defaultdict[tuple[str, str, str], float] = field(default_factory=lambda: defaultdict(float), init=False)
    _until: dict[str, datetime] = field(default_factory=dict, init=False)
    _why: str = field(default="", init=False)
    _together: bool = field(default=False, init=False)
    # One write at a time, since something went wrong with many.
    _careful: bool = field(default=False, init=False)
    _patience_s: float = field(default=_PATIENCE_S, init=False)
    # Somebody else writes to the store: when it is tried again.
    _again_s: float | None = field(default=None, init=False)
    # Since its log was last emptied.
    _wrote: bool = field(default=True, init=False)
    # The store was given up as damaged, and no other has taken its place yet.
    _given_up: bool = field(default=False, init=False)
    _anew_s: float = field(default=float("-inf"), init=False)

    @property
    def store(self) -> EventStore:
        """The store itself, for who reads, or has to know at once. Raises UserError where it cannot be opened yet."""
        if self.opened is None:
            raise UserError(self._why or "the event store is not open yet")
        return self.opened

    @property
    def lost(self) -> int:
        """How many writes were given up."""
        return self._waiting.lost

    @property
    def unwritten(self) -> str:
        """Why something waits, or is lost; empty when all is written."""
        return self._why if self._waiting or self._seconds or self.lost else ""

    def booked_until(self) -> dict[str, datetime]:
        """Until when earlier runs have booked each camera; of none where the store cannot be read."""
        try:
            return self.store.booked_until()
        except UserError as error:
            self.tell("nothing is known of earlier runs", reason=str(error))
            return {}

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written in the block is committed at its end, in one transaction."""
        if self._together:
            yield
            return
        self._together = True
        try:
            yield
        finally:
            self._together = False
            self.flush()

    def add(self, event: Event, notice: Notice | None = None, sinks: Iterable[str] = ()) -> None:
        """Write a new event, and its deliveries."""
        names = tuple(sinks)
        self._remembered.note(event, notice, names)
        update = _updating(event, notice, names)
        # Where the answer to a commit was lost, it is there already.
        self._write(Write(lambda store: store.add(event, notice, names), otherwise=update))

    def update(self, event: Event, notice: Notice | None = None, sinks: Iterable[str] = ()) -> None:
        """Write what has changed in an event, and its deliveries."""
        names = tuple(sinks)
        self._remembered.note(event, notice, names)
        self._write(Write(_updating(event, notice, names), otherwise=lambda store: store.add(event, notice, names)))

    def add_miss(self, miss: NearMiss) -> None:
        """Write a near miss; lost when the disk is full."""
        self._write(Write(lambda store: store.add_miss(miss), MISS))

    def add_scores(self, pieces: Sequence[Piece]) -> None:
        """Write recorded scores; lost when they cannot be written now, but for somebody else who writes."""
        if pieces:
            self._write(Write(lambda store: store.add_scores(pieces), SCORES))

    def open_incident(self, incident: Incident) -> None:
        """Write a new incident."""
        self._write(Write(lambda store: store.open_incident(incident)))

    def close_incident(self, id: str, ended_at: str) -> None:
        """Write when an incident ended."""
        self._write(Write(lambda store: store.close_incident(id, ended_at)))

    def tell_of(self, incident: Incident, notice: Notice, sinks: Iterable[str]) -> None:
        """Write that `notice` of an incident is to be delivered."""
        names = tuple(sinks)
        self._write(Write(lambda store: store.tell_of(incident, notice, names)))

    def do(self, run: Run) -> None:
        """Do something else with the store: now, or when it can be written."""
        self._write(Write(run))

    def add_ledger(self, entries: Iterable[Entry], until: Mapping[str, datetime]) -> None:
        """Add seconds to the ledger, and until when each camera is booked."""
        for entry in entries:
            self._seconds[entry.camera, entry.hour, entry.category] += entry.seconds
        self._until.update(until)
        self.flush()

    def look(self) -> None:
        """Try what waits because somebody else wrote; to be called often."""
        if self._again_s is not None:
            self.flush()

    def flush(self) -> None:
        """Try what waits, but while somebody else writes."""
        if self._together or (self._again_s is not None and self.clock() < self._again_s):
            return
        if not self._has_spare():
            self._waiting.drop(MISS)
        while self._waiting or self._seconds:
            try:
                self._write_some()
            except UserError as error:
                if not self._is_mended(error):
                    self._put_off(error)
                    return
        self._careful, self._again_s = False, None

    def replace(self, error: Damaged) -> bool:
        """Give up a store that is damaged, for a new one. Whether there is one now."""
        if self.opener is None or self.clock() - self._anew_s < _ANEW_EVERY_S:
            return False
        self._anew_s = self.clock()
        if self.opened is not None:
            self.opened.close()
        self.opened, self._given_up = None, True
        try:
            self._opened(lambda opener: opener.anew(str(error.__cause__ or error)))
        except UserError as failure:
            self._why = str(failure)
            return False
        return True

    def close(self) -> None:
        """Try a last time what waits, and close the file."""
        self._again_s, self._patience_s = None, BUSY_TIMEOUT_S
        self.flush()
        if self.opened is not None:
            self.opened.close()

    def _write(self, write: Write) -> None:
        self._waiting.append(write)
        self.flush()

    def _write_some(self) -> None:
        store = self._opened(lambda opener: opener.open())
        writes = self._waiting.first(1 if self._careful else _AT_ONCE)
        last = len(writes) == len(self._waiting)
        with store.database.waiting(self._patience_s), store.together():
            for write in writes:
                write.run(store)
            if last and self._seconds:
                store.add_ledger([Entry(*key, each) for key, each in self._seconds.items()], self._until)
        self._wrote = True
        self._waiting.written(len(writes))
        if last:
            self._seconds.clear()

    def _opened(self, open: Callable[[Opener], EventStore]) -> EventStore:
        """The store, opened now where it was not."""
        if self.opened is None:
            if self.opener is None:
                raise UserError(self._why)
            self.opened = open(self.opener)
            if self._given_up:
                self._given_up = False
                self._waiting.begin_with(self._remembered.writes())
        return self.opened

    def _is_mended(self, error: UserError) -> bool:
        """Whether something was done against an error, so that it may be tried again at once."""
        if isinstance(error, Busy):
            return False
        careful, self._careful = self._careful, True
        if isinstance(error.__cause__, sqlite3.IntegrityError):
            if careful and self._waiting.refused():
                self._why = str(error)
                self.tell("refused by the event store, and lost", why=self._why)
            return True
        if isinstance(error, Damaged):
            return self.replace(error)
        if isinstance(error, Full) or (self.ballast is not None and is_full(self.ballast.path.parent)):
            return self._is_spared()
        return False

    def _is_spared(self) -> bool:
        """There is no space: let go of what is worth least, then of the ballast. Whether that may have helped."""
        self.make_room()
        if self._waiting.drop(SCORES) or self._waiting.drop(MISS):
            self.tell("scores and near misses are lost", reason="no space left on the disk")
            return True
        if not self._waiting:
            return False
        if self._is_shrunk():
            return True
        if self.ballast is None or not self.ballast.release():
            return False
        self.tell("no space left on the disk, events are written into what was kept free for them")
        self._wrote = True
        self._is_shrunk()
        self._keep_log_of(_SHORT_LOG_PAGES)
        return True

    def _is_shrunk(self) -> bool:
        """SQLite's log of what is not yet in its place may be larger than all that; whether it may be emptied now."""
        if self.opened is None or not self._wrote:
            return False
        self._wrote = False
        with suppress(UserError):
            with self.opened.database.waiting(self._patience_s):
                self.opened.database.run("PRAGMA wal_checkpoint(TRUNCATE)")
            return True
        return False

    def _has_spare(self) -> bool:
        """Whether scores and near misses may be written: not into the ballast's space. It is made again here."""
        if self.ballast is None or not self.ballast.released:
            return True
        if not self.ballast.load():
            return False
        self._keep_log_of(_LOG_PAGES)
        return True

    def _keep_log_of(self, pages: int) -> None:
        """Let SQLite's log grow to so many pages before what it holds is put into its place."""
        if self.opened is not None:
            with suppress(UserError):
                self.opened.database.run(f"PRAGMA wal_autocheckpoint = {pages}")

    def _put_off(self, error: UserError) -> None:
        busy, again = isinstance(error, Busy), self._again_s is not None
        if not busy or len(self._waiting) > _MOST_BUSY:
            self._waiting.drop(SCORES)
        self._again_s = self.clock() + _BUSY_FOR_S if busy else None
        self._why = str(error)
        if not (busy and again):
            self.tell("not written yet, tried again", reason=self._why, waiting=len(self._waiting))


def _updating(event: Event, notice: Notice | None, sinks: Sequence[str]) -> Run:
    return lambda store: store.update(event, notice, sinks)
