"""The journal: from the rule's transitions to events in the store."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from edge_resnet.errors import UserError
from runtime.attempt import Attempt, Reach
from runtime.events.event import Event
from runtime.events.journal import Decider, Journal
from runtime.events.near_miss import NearMiss
from runtime.events.notice import Notice
from runtime.events.store import EventStore
from runtime.judge import Judgement, Target
from runtime.rule import Change, Episode, State, Transition
from runtime.rule_settings import RuleSettings

DECIDER = Decider("ab" * 32, "opencv", "fp32")
START = datetime(2026, 11, 24, 12, 0, 0, tzinfo=timezone.utc)
EPISODE = Episode(started_s=1.0, raised_s=2.5, last_s=2.5, peak=0.9, mean=0.8, looks=6)
LATER = EPISODE.with_look(4.0, 0.95)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    with EventStore(tmp_path / "events.sqlite") as store:
        yield store


def enter(journal: Journal, alarm: str, label: str, transition: Transition, zone: str | None = None) -> Event | None:
    """Enter a judgement that concerns events."""
    entered = journal.enter(Judgement(Target(alarm, zone), 0.8, label, transition), RuleSettings())
    assert not isinstance(entered, NearMiss)
    return entered


def deliveries(store: EventStore) -> list[tuple[str, str]]:
    return store.database.rows("SELECT sink, notice_id FROM deliveries ORDER BY id")


def test_raised_is_added_and_cleared_is_updated(store: EventStore) -> None:
    journal = Journal(store, "yard", DECIDER, live=True, now=lambda: START)
    raised = enter(journal, "burning", "smoke", Transition(Change.RAISED, 2.5, State.HELD, EPISODE))
    assert raised is not None
    assert store.events() == [raised]
    assert (raised.camera, raised.alarm, raised.label, raised.looks) == ("yard", "burning", "smoke", 6)
    assert raised.raised_at == "2026-11-24T12:00:00.000+00:00"
    assert (raised.model_sha256, raised.backend, raised.precision) == ("ab" * 32, "opencv", "fp32")
    assert str(uuid.UUID(raised.id)) == raised.id
    assert raised.ended_s is None
    assert set(journal.held) == {Target("burning")}

    assert enter(journal, "burning", "fire", Transition(Change.STILL, 4.0, State.HELD, LATER)) is None
    cleared = enter(journal, "burning", "fire", Transition(Change.CLEARED, 9.0, State.COOLDOWN, LATER))
    assert cleared is not None
    assert store.events() == [cleared]
    assert (cleared.id, cleared.label, cleared.ended_s, cleared.peak, cleared.looks) == (
        raised.id,
        "smoke",
        4.0,
        0.95,
        7,
    )
    assert not journal.held


@pytest.mark.parametrize(("state", "interrupted"), [(State.COOLDOWN, False), (State.DISARMED, True)])
def test_an_end_that_was_not_seen_is_marked(store: EventStore, state: State, interrupted: bool) -> None:
    journal = Journal(store, "yard", DECIDER, live=True)
    enter(journal, "fire", "fire", Transition(Change.RAISED, 2.5, State.HELD, EPISODE))
    enter(journal, "fire", "fire", Transition(Change.CLEARED, 9.0, state, LATER))
    assert [event.interrupted for event in store.events()] == [interrupted]


def test_a_file_has_no_wall_clock(store: EventStore) -> None:
    journal = Journal(store, "clip.mp4", DECIDER, live=False)
    event = enter(journal, "fire", "fire", Transition(Change.RAISED, 2.5, State.HELD, EPISODE))
    assert event is not None
    assert event.raised_at is None
    assert datetime.fromisoformat(event.created_at).utcoffset() is not None


def test_an_event_that_could_not_be_written_is_not_held(store: EventStore) -> None:
    journal = Journal(store, "yard", DECIDER, live=True)
    store.close()
    with pytest.raises(Exception, match="closed"):
        enter(journal, "fire", "fire", Transition(Change.RAISED, 2.5, State.HELD, EPISODE))
    assert enter(journal, "fire", "fire", Transition(Change.CLEARED, 9.0, State.COOLDOWN, LATER)) is None
    assert not journal.held


def test_two_alarms_are_held_side_by_side(store: EventStore) -> None:
    journal = Journal(store, "yard", DECIDER, live=True)
    for alarm in ("fire", "person"):
        enter(journal, alarm, alarm, Transition(Change.RAISED, 2.5, State.HELD, EPISODE))
    enter(journal, "fire", "fire", Transition(Change.CLEARED, 9.0, State.COOLDOWN, LATER))
    assert set(journal.held) == {Target("person")}
    assert [event.ended_s for event in store.events()] == [4.0, None]


def test_the_same_alarm_in_two_zones_is_two_events(store: EventStore) -> None:
    journal = Journal(store, "yard", DECIDER, live=True, run="a run", severity=lambda alarm: "critical")
    for zone in ("gate", "ramp"):
        enter(journal, "person", "person", Transition(Change.RAISED, 2.5, State.HELD, EPISODE), zone)
    assert [(event.zone, event.severity, event.run) for event in store.events()] == [
        ("gate", "critical", "a run"),
        ("ramp", "critical", "a run"),
    ]


def test_an_event_and_its_deliveries_are_one_commit(store: EventStore) -> None:
    told: list[Notice] = []

    def route(notice: Notice) -> list[str]:
        told.append(notice)
        return ["phone", "log"]

    journal = Journal(store, "yard", DECIDER, live=True, route=route)
    raised = enter(journal, "fire", "fire", Transition(Change.RAISED, 2.5, State.HELD, EPISODE))
    assert raised is not None
    assert deliveries(store) == [("phone", f"{raised.id}:raised"), ("log", f"{raised.id}:raised")]
    enter(journal, "fire", "fire", Transition(Change.CLEARED, 9.0, State.COOLDOWN, LATER))
    assert deliveries(store)[2:] == [("phone", f"{raised.id}:cleared"), ("log", f"{raised.id}:cleared")]
    assert [(each.what, each.body["ended_s"]) for each in told] == [("raised", None), ("cleared", 4.0)]
    # The event is there already, so that its insertion fails: no delivery may be left of it.
    with pytest.raises(UserError, match="UNIQUE"):
        store.add(raised, Notice.of_event(raised, "now"), ["another"])
    assert len(deliveries(store)) == 4


def test_an_attempt_that_missed_is_a_near_miss_with_its_reason(store: EventStore) -> None:
    rule = RuleSettings(threshold=0.7)
    attempt = Attempt(1.0, 1.4, float("inf"), 0.64, 1.2, 3).reached(
        Reach(0.64, 0.5, 2, 0, 0.4, 0.0), ("looks", "threshold")
    )
    missed = Transition(Change.MISSED, 3.6, State.WATCHING, attempt=attempt)
    journal = Journal(store, "yard", DECIDER, live=False, run="a run")
    miss = journal.enter(Judgement(Target("person", "gate"), 0.1, "person", missed), rule)
    assert isinstance(miss, NearMiss)
    assert store.misses() == [miss]
    assert (miss.zone, miss.best, miss.best_s, miss.threshold, miss.seen_at, miss.run) == (
        "gate",
        0.64,
        1.2,
        0.7,
        None,
        "a run",
    )
    assert miss.reason == "2 of 3 looks, best 0.64 under 0.70"
    assert store.find_miss(miss.id[:8]) == [miss]
    assert store.events() == []
