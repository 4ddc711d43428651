"""A store that is written to later when it cannot be now: a full disk must not end the watch of a live camera.

What could not be written waits in memory, in order, and is tried again; nothing is told to be in the store that is not.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from edge_resnet.errors import UserError
from runtime.events.entry import Entry
from runtime.events.event import Event
from runtime.events.incident import Incident
from runtime.events.store import EventStore

# Some hours of the worst storm; what is more is lost, and counted.
_MOST_WAITING = 10_000


@dataclass
class PatientStore:
    """Takes what the EventStore takes, and raises nothing.

    `tell`: a log's method, such as Log.error.
    """

    store: EventStore
    tell: Callable[..., None]
    lost: int = field(default=0, init=False)
    _waiting: deque[Callable[[], None]] = field(default_factory=deque, init=False)
    _seconds: defaultdict[tuple[str, str, str], float] = field(default_factory=lambda: defaultdict(float), init=False)
    _until: dict[str, datetime] = field(default_factory=dict, init=False)
    _why: str = field(default="", init=False)

    @property
    def unwritten(self) -> str:
        """Why something waits, or is lost; empty when all is written."""
        return self._why if self._waiting or self._seconds or self.lost else ""

    def add(self, event: Event) -> None:
        """Write a new event."""
        self._write(lambda: self.store.add(event))

    def update(self, event: Event) -> None:
        """Write what has changed in an event."""
        self._write(lambda: self.store.update(event))

    def open_incident(self, incident: Incident) -> None:
        """Write a new incident."""
        self._write(lambda: self.store.open_incident(incident))

    def close_incident(self, id: str, ended_at: str) -> None:
        """Write when an incident ended."""
        self._write(lambda: self.store.close_incident(id, ended_at))

    def add_ledger(self, entries: Iterable[Entry], until: Mapping[str, datetime]) -> None:
        """Add seconds to the ledger, and until when each camera is booked."""
        for entry in entries:
            self._seconds[entry.camera, entry.hour, entry.category] += entry.seconds
        self._until.update(until)
        self.flush()

    def flush(self) -> None:
        """Try what waits."""
        try:
            while self._waiting:
                self._waiting[0]()
                self._waiting.popleft()
            if self._seconds:
                entries = [Entry(*key, seconds) for key, seconds in self._seconds.items()]
                self.store.add_ledger(entries, self._until)
                self._seconds.clear()
        except UserError as error:
            self._why = str(error)
            self.tell("not written yet, tried again", reason=self._why, waiting=len(self._waiting))

    def _write(self, write: Callable[[], None]) -> None:
        self._waiting.append(write)
        if len(self._waiting) > _MOST_WAITING:
            self._waiting.popleft()
            self.lost += 1
        self.flush()
