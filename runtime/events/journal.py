"""The journal: turns what the rule says into events, each written to the store before it is told to anybody."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Protocol

from runtime.events.event import Event
from runtime.rule import Change, Episode, Transition


@dataclass(frozen=True)
class Decider:
    """What decides: the hash of the model's file, the backend and the precision it runs in."""

    model_sha256: str
    backend: str
    precision: str


def utc_now() -> datetime:
    """The wall clock, aware."""
    return datetime.now(timezone.utc)


class EventWriter(Protocol):
    """Where events go: the store, or one that waits until it can be written."""

    def add(self, event: Event) -> None:
        """Write a new event."""

    def update(self, event: Event) -> None:
        """Write what has changed in an event."""


@dataclass
class Journal:
    """The events of one camera in one run: `held`, by alarm, as they stand.

    `live`: whether the camera shows what is now; only then an event has a wall-clock time. It is read when the alarm
    is raised, not counted from the stream's start: small boxes have no clock of their own, and the time jumps when
    the network's arrives.
    """

    store: EventWriter
    camera: str
    decider: Decider
    live: bool
    now: Callable[[], datetime] = utc_now
    held: dict[str, Event] = field(default_factory=dict, init=False)

    def enter(self, alarm: str, label: str, transition: Transition) -> Event | None:
        """Write what a transition of `alarm` changed, and give the event, when it was raised or cleared; else None.

        `label`: the alarm's most probable class now. Raises UserError when the store cannot be written.
        """
        if transition.episode is None:
            return None
        if transition.change is Change.RAISED:
            event = self._raise(alarm, label, transition.episode)
            self.store.add(event)
            self.held[alarm] = event
            return event
        # An alarm whose event could not be written is not held here; there is nothing to update.
        if transition.change is Change.CLEARED and alarm in self.held:
            event = self._clear(self.held.pop(alarm), transition.episode)
            self.store.update(event)
            return event
        return None

    def _raise(self, alarm: str, label: str, episode: Episode) -> Event:
        now = self.now().isoformat(timespec="milliseconds")
        return Event(
            id=str(uuid.uuid4()),
            camera=self.camera,
            alarm=alarm,
            label=label,
            raised_at=now if self.live else None,
            created_at=now,
            started_s=episode.started_s,
            raised_s=episode.raised_s,
            ended_s=None,
            peak=episode.peak,
            mean=episode.mean,
            looks=episode.looks,
            model_sha256=self.decider.model_sha256,
            backend=self.decider.backend,
            precision=self.decider.precision,
        )

    @staticmethod
    def _clear(event: Event, episode: Episode) -> Event:
        return replace(event, ended_s=episode.last_s, peak=episode.peak, mean=episode.mean, looks=episode.looks)
