"""Why nothing was raised at a time: what kept a camera from seeing, from looking, or from being sure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from runtime.cameras.ledger import NO_ENGINE, NOT_LOOKED, NOT_RUNNING
from runtime.cameras.sight import LIVE
from runtime.events import scores
from runtime.events.database import Database
from runtime.events.entry import WATCHED
from runtime.events.event import Event
from runtime.events.incident import Incident
from runtime.events.near_miss import NearMiss
from runtime.events.query import Query
from runtime.events.store import EventStore
from runtime.judge import Target
from runtime.moment import iso
from runtime.rule import State
from runtime.why.fired import lacking
from runtime.why.trace import WATCH, Step, Trace, traces

# A piece is written when it is full: its looks are older than its row, by this much at most where a gate is shut.
_MOST_PIECE = timedelta(hours=2)
# An alarm that was raised earlier may still have been held.
_MOST_HELD = timedelta(hours=24)
# Longer than this without a look is told.
_PAUSE_S = 3.0
# Less than this is 0 s in words.
_TOLD_S = 0.5
_ALL = 1_000_000
_PIECES = """
    SELECT run, first_s, last_s, created_at FROM scores WHERE camera = ? AND created_at >= ? AND created_at < ?
    ORDER BY created_at
"""


@dataclass(frozen=True)
class Silence:
    """What is known of a `camera` from `since` to `until` (aware). `alarm`: None for any.

    `events`, `misses`: that it had then; `incidents`: of it, or the box. `booked`: seconds of the hours in question, by
    category. `traces`: its looks then, by target; none where none are kept. `unwritten`: a stream may still gather the
    looks of then. `names`: all cameras that are known.
    """

    camera: str
    alarm: str | None
    since: datetime
    until: datetime
    events: tuple[Event, ...]
    misses: tuple[NearMiss, ...]
    incidents: tuple[Incident, ...]
    booked: Mapping[str, float]
    traces: tuple[Trace, ...]
    unwritten: bool
    names: frozenset[str]

    @property
    def known(self) -> bool:
        """Whether the store has heard of this camera."""
        return self.camera in self.names

    def sentences(self) -> list[str]:
        """In words for people, what weighs most first."""
        told = [*self._raised(), *self._blind(), *self._not_looked(), *self._attention()]
        for trace in self.traces:
            told += _judged(trace)
        told += [f"came near ({_clock(miss.seen_at)}, {_target(miss)}): {miss.reason}" for miss in self.misses]
        return told or ["nothing is known of that time"]

    def _raised(self) -> Iterator[str]:
        for event in self.events:
            # As events list counts it.
            lasted = "held still" if event.ended_s is None else f"lasted {event.ended_s - event.started_s:.1f} s"
            since = f"{lasted} since its first look, which was {event.raised_s - event.started_s:.1f} s before"
            yield f"it did fire: {_target(event)} at {_clock(event.raised_at)}, {since} (event {event.id[:8]})"

    def _blind(self) -> Iterator[str]:
        for incident in self.incidents:
            who = "the box" if incident.camera is None else "the camera"
            until = "until now" if incident.ended_at is None else f"until {_clock(incident.ended_at)}"
            yield f"{who} could not see: {incident.kind.replace('_', ' ')} from {_clock(incident.began_at)} {until}"

    def _attention(self) -> Iterator[str]:
        """On which rungs of the ladder it was looked at; the looks of all targets are the same."""
        for trace in self.traces[:1]:
            counts = Counter(_on_rung(step) for step in trace.steps if step.attention)
            if counts:
                yield f"attention: {'; '.join(f'{count} looks {rung}' for rung, count in counts.items())}"

    def _not_looked(self) -> Iterator[str]:
        hours = f"of {sum(self.booked.values()):.0f} s that are booked of the hour"
        if seconds := self.booked.get(NOT_RUNNING, 0.0):
            yield f"edge-resnet was not running for {seconds:.0f} s {hours}"
        if (seconds := self.booked.get(NO_ENGINE, 0.0)) >= _TOLD_S:
            yield f"the engine was being opened for {seconds:.0f} s {hours}: frames came, and could not be looked at"
        if not any(trace.steps for trace in self.traces):
            if self.unwritten:
                yield "the looks of then are not written yet, a stream gathers some hundred: ask again in a minute"
            elif self.booked.get(WATCHED, 0.0) > 0.0 and not self.incidents:
                yield "no looks are kept of then, though the hour was watched: they are too old, or the disk was full"
            else:
                yield "no look was recorded then"
        elif (seconds := self.booked.get(NOT_LOOKED, 0.0)) >= _TOLD_S:
            yield f"the box did not keep up for {seconds:.0f} s {hours}: frames came, and were not looked at in time"


def silence(store: EventStore, camera: str, at: datetime, around_s: float, alarm: str | None = None) -> Silence:
    """What the store knows of a camera from `around_s` before `at` (aware, UTC) until as long after it."""
    since, until = at - timedelta(seconds=around_s), at + timedelta(seconds=around_s)
    return Silence(
        camera=camera,
        alarm=alarm,
        since=since,
        until=until,
        events=_events(store, camera, alarm, since, until),
        misses=_misses(store, camera, alarm, since, until),
        incidents=tuple(
            each
            for each in store.incidents(iso(since))
            if each.camera in (camera, None) and each.kind != LIVE and each.began_at <= iso(until)
        ),
        booked=_booked(store, camera, since, until),
        traces=_traces(store.database, camera, alarm, since, until),
        unwritten=_unwritten(store, camera, since),
        names=_names(store.database),
    )


def _on_rung(step: Step) -> str:
    if step.denied:
        return f"{step.rung}, {step.unmet}"
    return f"{step.rung} ({step.attention_why})" if step.attention_why else step.rung


def _clock(at: str | None) -> str:
    """The time of day on this box's clock."""
    return "an unknown time" if at is None else datetime.fromisoformat(at).astimezone().strftime("%H:%M:%S")


def _target(subject: Event | NearMiss) -> Target:
    return Target(subject.alarm, subject.zone)


def _events(store: EventStore, camera: str, alarm: str | None, since: datetime, until: datetime) -> tuple[Event, ...]:
    """Those that were raised then, or before and still held."""
    query = Query(camera, alarm, iso(since - _MOST_HELD), iso(until))
    return tuple(
        event
        for event in reversed(store.select(query, _ALL))
        if datetime.fromisoformat(event.created_at) + timedelta(seconds=_held_s(event)) >= since
    )


def _held_s(event: Event) -> float:
    return _MOST_HELD.total_seconds() if event.ended_s is None else event.ended_s - event.raised_s


def _misses(
    store: EventStore, camera: str, alarm: str | None, since: datetime, until: datetime
) -> tuple[NearMiss, ...]:
    return tuple(reversed(store.select_misses(Query(camera, alarm, iso(since), iso(until)), _ALL)))


def _booked(store: EventStore, camera: str, since: datetime, until: datetime) -> dict[str, float]:
    hour = since.replace(minute=0, second=0, microsecond=0)
    sums: dict[str, float] = {}
    for entry in store.ledger(hour.isoformat(), until.isoformat()):
        if entry.camera == camera:
            sums[entry.category] = sums.get(entry.category, 0.0) + entry.seconds
    return sums


def _traces(database: Database, camera: str, alarm: str | None, since: datetime, until: datetime) -> tuple[Trace, ...]:
    """The looks of that time, by target."""
    pieces = []
    for run, first_s, last_s, created_at in database.rows(_PIECES, (camera, iso(since), iso(until + _MOST_PIECE))):
        if datetime.fromisoformat(created_at) - timedelta(seconds=last_s - first_s) <= until:
            found = scores.read(database, run, camera, first_s, last_s)
            pieces += [piece for piece in found if piece.created_at == created_at]
    cut = []
    for trace in traces(pieces):
        steps = tuple(step for step in trace.steps if step.at is not None and since <= step.at <= until)
        if steps and alarm in (None, trace.target.alarm):
            cut.append(Trace(trace.target, trace.rule, steps, trace.model_sha256, trace.backend, trace.precision))
    return tuple(cut)


def _unwritten(store: EventStore, camera: str, since: datetime) -> bool:
    """Whether the camera is booked for later than its newest recorded look."""
    ((newest,),) = store.database.rows("SELECT max(created_at) FROM scores WHERE camera = ?", (camera,))
    booked = store.booked_until().get(camera)
    return booked is not None and booked >= since and (newest is None or newest < iso(since))


def _names(database: Database) -> frozenset[str]:
    tables = ("scores", "events", "near_misses", "ledger")
    return frozenset(name for (name,) in database.rows(" UNION ".join(f"SELECT camera FROM {each}" for each in tables)))


def _judged(trace: Trace) -> Iterator[str]:
    """What a target's looks say."""
    steps, rule, name = trace.steps, trace.rule, str(trace.target)
    best = max(steps, key=lambda step: step.probability)
    at = f"{best.probability:.2f} at {_clock(iso(best.at)) if best.at else best.time_s}"
    if all(step.state == State.DISARMED.value for step in steps):
        yield f"{name}: not armed then (its schedule, its modes, or the camera's alarms); best {at}"
        return
    if best.probability >= rule.threshold:
        yield f"{name}: {len(steps)} looks, best {at}, over its threshold {rule.threshold:.2f}{_kept_back(best)}"
    elif best.probability >= rule.low_threshold:
        yield f"{name}: {len(steps)} looks, best {at}, under its threshold {rule.threshold:.2f}"
    else:
        yield (f"{name}: {len(steps)} looks saw nothing of it, best {at}, far under its threshold {rule.threshold:.2f}")
    yield from _pauses(steps)


def _kept_back(best: Step) -> str:
    """Why a look over the threshold raised nothing."""
    if best.state == State.HELD.value:
        return "; an alarm was held then"
    if best.state == State.COOLDOWN.value:
        return "; an alarm was just over (cooldown)"
    if best.state == State.DISARMED.value:
        return "; it was not armed at that moment"
    return f"; it still lacked {lacking(best.lacks)}" if best.lacks else ""


def _pauses(steps: tuple[Step, ...]) -> Iterator[str]:
    """The longest time without a look, where it is long."""
    before, after = max(pairwise(steps), key=lambda pair: pair[1].time_s - pair[0].time_s, default=(steps[0], steps[0]))
    pause_s = after.time_s - before.time_s
    if pause_s <= _PAUSE_S:
        return
    if any(step.gate != "off" for step in steps):
        why = "the gate was closed, nothing moved"
    elif before.attention not in ("", WATCH):
        why = f"it was {before.rung}, {_reason(before, after)}"
    else:
        why = "no frame came, or none in time"
    yield f"  up to {pause_s:.1f} s passed between two looks: {why}"


def _reason(before: Step, after: Step) -> str:
    """Whether a camera that was not watched had a reason to be, as far as the looks before and after a pause tell."""
    if before.denied:
        return before.unmet
    return f"by the end of it {after.unmet}" if after.denied else "without a reason to be watched"
