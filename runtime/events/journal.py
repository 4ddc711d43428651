"""The journal: turns judgements into events and near misses, each written to the store before it is told to anybody."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Protocol

from runtime.attempt import Attempt
from runtime.events.event import Event
from runtime.events.near_miss import NearMiss
from runtime.events.notice import Notice
from runtime.events.scores import Piece
from runtime.judge import Judgement, Target
from runtime.moment import iso
from runtime.rule import Change, Episode, State
from runtime.rule_settings import RuleSettings
from runtime.severity import Severity

# Which sinks a notice goes to, by their names.
Route = Callable[[Notice], Sequence[str]]


@dataclass(frozen=True)
class Decider:
    """What decides: the hash of the model's file, the backend and the precision it runs in."""

    model_sha256: str
    backend: str
    precision: str


def utc_now() -> datetime:
    """The wall clock, aware."""
    return datetime.now(timezone.utc)


def nobody(notice: Notice) -> Sequence[str]:
    """A route to no sink."""
    return ()


class EventWriter(Protocol):
    """Where events go: the store, or one that waits until it can be written."""

    def together(self) -> AbstractContextManager[None]:
        """What is written in the block is committed at its end, all of it or nothing."""

    def add(self, event: Event, notice: Notice | None = None, sinks: Iterable[str] = ()) -> None:
        """Write a new event, and that `notice` is to be delivered to `sinks`."""

    def update(self, event: Event, notice: Notice | None = None, sinks: Iterable[str] = ()) -> None:
        """Write what has changed in an event, and its deliveries."""

    def add_miss(self, miss: NearMiss) -> None:
        """Write a near miss."""

    def add_scores(self, pieces: Sequence[Piece]) -> None:
        """Write recorded scores."""


@dataclass
class Journal:
    """The events of one camera in one `run` (a UUID, another each time it is opened): `held`, by target, as they stand.

    `live`: whether the camera shows what is now; only then an event has a wall-clock time. It is read when the alarm
    is raised, not counted from the stream's start: small boxes have no clock of their own, and the time jumps when
    the network's arrives. `severity`: of an alarm.
    """

    store: EventWriter
    camera: str
    decider: Decider
    live: bool
    run: str = ""
    now: Callable[[], datetime] = utc_now
    route: Route = nobody
    severity: Callable[[str], Severity] = lambda alarm: "warning"
    held: dict[Target, Event] = field(default_factory=dict, init=False)

    def enter(self, judgement: Judgement, rule: RuleSettings) -> Event | NearMiss | None:
        """Write what a judgement changed, and give it: an event that was raised or cleared, a near miss; else None.

        `rule`: of the judgement's target. Raises UserError when the store cannot be written.
        """
        change, episode = judgement.transition.change, judgement.transition.episode
        if change is Change.RAISED and episode is not None:
            event = self._raise(judgement, episode)
            self.store.add(event, *self._notice(event))
            self.held[judgement.target] = event
            return event
        # An alarm whose event could not be written is not held here; there is nothing to update.
        if change is Change.CLEARED and episode is not None and judgement.target in self.held:
            unseen = judgement.transition.state is State.DISARMED
            event = self._clear(self.held.pop(judgement.target), episode, unseen)
            self.store.update(event, *self._notice(event))
            return event
        if change is Change.MISSED and judgement.transition.attempt is not None:
            miss = self._miss(judgement, judgement.transition.attempt, rule)
            self.store.add_miss(miss)
            return miss
        return None

    def _notice(self, event: Event) -> tuple[Notice, Sequence[str]]:
        notice = Notice.of_event(event, self._now())
        return notice, self.route(notice)

    def _now(self) -> str:
        return iso(self.now())

    def _raise(self, judgement: Judgement, episode: Episode) -> Event:
        now = self._now()
        return Event(
            id=str(uuid.uuid4()),
            camera=self.camera,
            alarm=judgement.target.alarm,
            label=judgement.label,
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
            zone=judgement.target.zone,
            severity=self.severity(judgement.target.alarm),
            run=self.run,
        )

    @staticmethod
    def _clear(event: Event, episode: Episode, unseen: bool) -> Event:
        """`unseen`: its end was not seen, but the watch of it ended."""
        return replace(
            event,
            ended_s=episode.last_s,
            peak=episode.peak,
            mean=episode.mean,
            looks=episode.looks,
            interrupted=unseen,
        )

    def _miss(self, judgement: Judgement, attempt: Attempt, rule: RuleSettings) -> NearMiss:
        now = self._now()
        return NearMiss(
            id=str(uuid.uuid4()),
            camera=self.camera,
            alarm=judgement.target.alarm,
            zone=judgement.target.zone,
            label=judgement.label,
            seen_at=now if self.live else None,
            created_at=now,
            began_s=attempt.began_s,
            ended_s=attempt.last_s,
            best=attempt.best,
            best_s=attempt.best_s,
            threshold=rule.threshold,
            looks=attempt.looks,
            reason=attempt.why_not(rule),
            run=self.run,
            model_sha256=self.decider.model_sha256,
            backend=self.decider.backend,
            precision=self.decider.precision,
        )
