"""What waits is bounded: near misses go first, then clips, then snapshots; shots go, and events never do."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from runtime.cameras.shot import Shot
from runtime.config.recording import RecordingSettings
from runtime.events.event import Event
from runtime.events.near_miss import NearMiss
from runtime.look import Look
from runtime.recording.desk import Desk, Film, Inbox, Job, Over, Raised, Shown
from runtime.recording.reel import Picture
from runtime.recording.take import Take
from runtime.sources.frame import Frame
from tests.unit.runtime.stored import event, miss

LOOK = Look("yard", 0.0, 0, {}, {}, np.zeros((2, 1, 1), np.float32), 1, 1)


def shot(number: int = 0, size: int = 10) -> Shot:
    return Shot(Frame(np.zeros((size, 1, 1), np.uint8), float(number), number, camera="yard"))


def shown(subject: Event | NearMiss) -> Shown:
    return Shown(subject, shot(), LOOK)


def film(size: int = 10) -> Film:
    take = Take.of(event(), 0.0, RecordingSettings())
    take.add_picture(Picture(take.from_s, bytes(size)))
    return Film(take, 5.0)


def left(desk: Desk) -> list[Job]:
    desk.close()
    jobs = []
    while (job := desk.take()) is not None:
        jobs.append(job)
    return jobs


def test_the_oldest_near_miss_is_dropped_first_and_counted() -> None:
    jobs: list[Job] = [shown(event()), film(), shown(miss()), shown(miss()), shown(event())]
    desk = Desk(most_bytes=40)
    for job in jobs:
        desk.put(job)
    assert left(desk) == [jobs[0], jobs[1], jobs[3], jobs[4]]
    assert desk.dropped == {"near_miss": 1}


def test_then_the_oldest_clip_then_the_oldest_snapshot() -> None:
    desk = Desk(most_bytes=20)
    jobs: list[Job] = [shown(event()), film(), shown(event()), shown(event())]
    for job in jobs:
        desk.put(job)
    assert left(desk) == jobs[2:]
    assert desk.dropped == {"clip": 1, "snapshot": 1}


def test_a_near_miss_that_comes_when_all_is_full_of_events_is_the_one_that_goes() -> None:
    desk = Desk(most_bytes=10)
    first = shown(event())
    desk.put(first)
    desk.put(shown(miss()))
    assert left(desk) == [first]


def test_jobs_are_bounded_by_what_they_hold_in_memory() -> None:
    jobs: list[Job] = [film(40), film(60), shown(event()), film(95)]
    desk = Desk(most_bytes=100)
    for job in jobs:
        desk.put(job)
    # The last clip is the oldest then, and too large beside the snapshot.
    assert left(desk) == jobs[2:3]
    assert desk.dropped == {"clip": 3}
    desk = Desk(most_bytes=100)
    for job in jobs:
        desk.put(job)
        assert not desk.dropped
        assert desk.take() is job


def test_shots_are_bounded_by_bytes_and_events_never_dropped() -> None:
    inbox, raised = Inbox(most_bytes=35), Raised(event(), 0.0)
    messages = [shot(0), raised, shot(1), shot(2), Over(raised.event), shot(3)]
    for message in messages:
        inbox.put(message)
    assert inbox.dropped == 1
    taken = [inbox.take(0.0) for _ in range(5)]
    assert all(one is other for one, other in zip(taken, messages[1:], strict=True))
    assert inbox.take(0.0) is None


def test_a_shot_that_is_too_large_by_itself_is_dropped() -> None:
    inbox = Inbox(most_bytes=5)
    inbox.put(shot(size=10))
    assert (inbox.dropped, inbox.take(0.0)) == (1, None)


@pytest.mark.parametrize("patience_s", [30.0])
def test_a_file_waits_for_room(patience_s: float) -> None:
    inbox = Inbox(most_bytes=10)
    inbox.put(shot(0))
    thread = threading.Thread(target=inbox.put, args=(shot(1), patience_s))
    thread.start()
    first = inbox.take(30.0)
    thread.join()
    second = inbox.take(30.0)
    assert isinstance(first, Shot)
    assert isinstance(second, Shot)
    assert [first.frame.index, second.frame.index] == [0, 1]
    assert inbox.dropped == 0


def test_it_is_drained_when_it_is_closed_and_empty() -> None:
    inbox = Inbox()
    inbox.put(shot())
    inbox.close()
    assert not inbox.drained
    inbox.take(0.0)
    assert inbox.drained
