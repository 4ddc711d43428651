"""The journal: from the rule's transitions to events in the store."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from runtime.events.journal import Decider, Journal
from runtime.events.store import EventStore
from runtime.rule import Change, Episode, Transition

DECIDER = Decider("ab" * 32, "opencv", "fp32")
START = datetime(2026, 11, 24, 12, 0, 0, tzinfo=timezone.utc)
EPISODE = Episode(started_s=1.0, raised_s=2.5, last_s=2.5, peak=0.9, mean=0.8, looks=6)
LATER = EPISODE.with_look(4.0, 0.95)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    with EventStore(tmp_path / "events.sqlite") as store:
        yield store


def test_raised_is_added_and_cleared_is_updated(store: EventStore) -> None:
    journal = Journal(store, "yard", DECIDER, live=True, now=lambda: START)
    raised = journal.enter("burning", "smoke", Transition(Change.RAISED, 2.5, EPISODE))
    assert raised is not None
    assert store.events() == [raised]
    assert (raised.camera, raised.alarm, raised.label, raised.looks) == ("yard", "burning", "smoke", 6)
    assert raised.raised_at == "2026-11-24T12:00:00.000+00:00"
    assert (raised.model_sha256, raised.backend, raised.precision) == ("ab" * 32, "opencv", "fp32")
    assert str(uuid.UUID(raised.id)) == raised.id
    assert raised.ended_s is None
    assert set(journal.held) == {"burning"}

    assert journal.enter("burning", "fire", Transition(Change.STILL, 4.0, LATER)) is None
    cleared = journal.enter("burning", "fire", Transition(Change.CLEARED, 9.0, LATER))
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


def test_a_file_has_no_wall_clock(store: EventStore) -> None:
    event = Journal(store, "clip.mp4", DECIDER, live=False).enter(
        "fire", "fire", Transition(Change.RAISED, 2.5, EPISODE)
    )
    assert event is not None
    assert event.raised_at is None
    assert datetime.fromisoformat(event.created_at).utcoffset() is not None


def test_an_event_that_could_not_be_written_is_not_held(store: EventStore) -> None:
    journal = Journal(store, "yard", DECIDER, live=True)
    store.close()
    with pytest.raises(Exception, match="closed"):
        journal.enter("fire", "fire", Transition(Change.RAISED, 2.5, EPISODE))
    assert journal.enter("fire", "fire", Transition(Change.CLEARED, 9.0, LATER)) is None
    assert not journal.held


def test_two_alarms_are_held_side_by_side(store: EventStore) -> None:
    journal = Journal(store, "yard", DECIDER, live=True)
    for alarm in ("fire", "person"):
        journal.enter(alarm, alarm, Transition(Change.RAISED, 2.5, EPISODE))
    journal.enter("fire", "fire", Transition(Change.CLEARED, 9.0, LATER))
    assert set(journal.held) == {"person"}
    assert [event.ended_s for event in store.events()] == [4.0, None]
