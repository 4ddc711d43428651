"""A store that is written to later when it cannot be now: a full disk must not end the watch of a live camera.

What could not be written waits in memory, in order, and is tried again; nothing is told to be in the store that is not.
Recorded scores do not wait: they are what a full disk loses first.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from edge_resnet.errors import UserError
from runtime.events.entry import Entry
from runtime.events.event import Event
from runtime.events.incident import Incident
from runtime.events.near_miss import NearMiss
from runtime.events.notice import Notice
from runtime.events.scores import Piece
from runtime.events.store import EventStore

# Some hours of the worst storm; what is more is lost, and counted.
_MOST_WAITING = 10_000


@dataclass(frozen=True)
class _Write:
    """One that waits. `spare`: it may be lost."""

    run: Callable[[], None]
    spare: bool = False


@dataclass
class PatientStore:
    """Takes what the EventStore takes, and raises nothing.

    `tell`: a log's method, such as Log.error.
    """

    store: EventStore
    tell: Callable[..., None]
    lost: int = field(default=0, init=False)
    _waiting: deque[_Write] = field(default_factory=deque, init=False)
    _seconds: defaultdict[tuple[str, str, str], float] = field(default_factory=lambda: defaultdict(float), init=False)
    _until: dict[str, datetime] = field(default_factory=dict, init=False)
    _why: str = field(default="", init=False)
    _together: bool = field(default=False, init=False)

    @property
    def unwritten(self) -> str:
        """Why something waits, or is lost; empty when all is written."""
        return self._why if self._waiting or self._seconds or self.lost else ""

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
        self._write(lambda: self.store.add(event, notice, sinks))

    def update(self, event: Event, notice: Notice | None = None, sinks: Iterable[str] = ()) -> None:
        """Write what has changed in an event, and its deliveries."""
        self._write(lambda: self.store.update(event, notice, sinks))

    def add_miss(self, miss: NearMiss) -> None:
        """Write a near miss."""
        self._write(lambda: self.store.add_miss(miss))

    def add_scores(self, pieces: Sequence[Piece]) -> None:
        """Write recorded scores; lost when they cannot be written now."""
        if pieces:
            self._write(lambda: self.store.add_scores(pieces), spare=True)

    def open_incident(self, incident: Incident) -> None:
        """Write a new incident."""
        self._write(lambda: self.store.open_incident(incident))

    def close_incident(self, id: str, ended_at: str) -> None:
        """Write when an incident ended."""
        self._write(lambda: self.store.close_incident(id, ended_at))

    def tell_of(self, incident: Incident, notice: Notice, sinks: Iterable[str]) -> None:
        """Write that `notice` of an incident is to be delivered."""
        self._write(lambda: self.store.tell_of(incident, notice, sinks))

    def add_ledger(self, entries: Iterable[Entry], until: Mapping[str, datetime]) -> None:
        """Add seconds to the ledger, and until when each camera is booked."""
        for entry in entries:
            self._seconds[entry.camera, entry.hour, entry.category] += entry.seconds
        self._until.update(until)
        self.flush()

    def flush(self) -> None:
        """Try what waits, all of it or nothing."""
        if self._together or not (self._waiting or self._seconds):
            return
        try:
            with self.store.together():
                for write in self._waiting:
                    write.run()
                if self._seconds:
                    entries = [Entry(*key, seconds) for key, seconds in self._seconds.items()]
                    self.store.add_ledger(entries, self._until)
        except UserError as error:
            self._waiting = deque(write for write in self._waiting if not write.spare)
            self._why = str(error)
            self.tell("not written yet, tried again", reason=self._why, waiting=len(self._waiting))
        else:
            self._waiting.clear()
            self._seconds.clear()

    def _write(self, run: Callable[[], None], spare: bool = False) -> None:
        self._waiting.append(_Write(run, spare))
        if len(self._waiting) > _MOST_WAITING:
            self._waiting.popleft()
            self.lost += 1
        self.flush()
