"""A store that is written to now or not at all: for files, which can be watched again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from runtime.events.database import Damaged
from runtime.events.event import Event
from runtime.events.near_miss import NearMiss
from runtime.events.notice import Notice
from runtime.events.patient import PatientStore
from runtime.events.scores import Piece
from runtime.events.store import EventStore


@dataclass(frozen=True)
class PromptStore:
    """The store of a PatientStore, whichever it is at the moment. Raises what it raises, but replaces a damaged one."""

    patient: PatientStore

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written in the block is committed at its end, all of it or nothing."""
        with self.patient.store.together():
            yield

    def add(self, event: Event, notice: Notice | None = None, sinks: Iterable[str] = ()) -> None:
        """Write a new event, and its deliveries."""
        self._run(lambda store: store.add(event, notice, sinks))

    def update(self, event: Event, notice: Notice | None = None, sinks: Iterable[str] = ()) -> None:
        """Write what has changed in an event, and its deliveries."""
        self._run(lambda store: store.update(event, notice, sinks))

    def add_miss(self, miss: NearMiss) -> None:
        """Write a near miss."""
        self._run(lambda store: store.add_miss(miss))

    def add_scores(self, pieces: Sequence[Piece]) -> None:
        """Write recorded scores."""
        self._run(lambda store: store.add_scores(pieces))

    def _run(self, write: Callable[[EventStore], None]) -> None:
        try:
            write(self.patient.store)
        except Damaged as error:
            if not self.patient.replace(error):
                raise
            write(self.patient.store)
