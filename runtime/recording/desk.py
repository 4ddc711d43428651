"""What waits for the recording threads, bounded: what is too much is dropped, the least worth first, and counted."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass

from runtime.cameras.shot import Shot
from runtime.events.event import Event
from runtime.events.near_miss import NearMiss
from runtime.look import Look
from runtime.recording.take import Take

# Four of the longest clips, or forty pictures of 1920x1080.
MOST_JOB_BYTES = 256_000_000
MOST_SHOT_BYTES = 64_000_000


@dataclass(frozen=True)
class Shown:
    """Snapshots are to be made: of the shot and the look that show an event or a near miss best."""

    subject: Event | NearMiss
    shot: Shot
    look: Look

    @property
    def bytes(self) -> int:
        return self.shot.frame.nbytes


@dataclass(frozen=True)
class Film:
    """A clip is to be written: what was gathered, and how many pictures a second there were looks."""

    take: Take
    fps: float

    @property
    def bytes(self) -> int:
        pictures, packets = self.take.pictures, self.take.packets
        return sum(len(each.data) for each in pictures) + sum(len(each.data) for each in packets)


@dataclass(frozen=True)
class Raised:
    """An event was raised. `offset_s`: from the stream's time to the tape's."""

    event: Event
    offset_s: float


@dataclass(frozen=True)
class Over:
    """An event is over."""

    event: Event


Job = Shown | Film
Message = Shot | Raised | Over


class Desk:
    """Jobs for the thread that writes files. When there is too much the oldest near miss goes, then the oldest clip,
    else the oldest. `dropped`: how many of each.
    """

    def __init__(self, most_bytes: int = MOST_JOB_BYTES) -> None:
        self._most_bytes = most_bytes
        self._jobs: deque[Job] = deque()
        self._bytes = 0
        self._ready = threading.Condition()
        self._closed = False
        self.dropped: Counter[str] = Counter()

    def put(self, job: Job, patience_s: float = 0.0) -> None:
        """One more; it waits up to `patience_s` seconds for room, and not at all by default."""
        with self._ready:
            self._ready.wait_for(lambda: self._bytes + job.bytes <= self._most_bytes, patience_s)
            self._jobs.append(job)
            self._bytes += job.bytes
            while self._bytes > self._most_bytes:
                index = min(range(len(self._jobs)), key=lambda each: _worth(self._jobs[each]))
                self.dropped[_kind(self._jobs[index])] += 1
                self._bytes -= self._jobs[index].bytes
                del self._jobs[index]
            self._ready.notify_all()

    def take(self) -> Job | None:
        """Wait for the next job; None when there will be none."""
        with self._ready:
            self._ready.wait_for(lambda: self._jobs or self._closed)
            if not self._jobs:
                return None
            job = self._jobs.popleft()
            self._bytes -= job.bytes
            self._ready.notify_all()
            return job

    def close(self) -> None:
        """Nothing more will come."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()


class Inbox:
    """Shots and events for the thread that makes pictures, in order. Too many shots: the oldest is dropped, counted."""

    def __init__(self, most_bytes: int = MOST_SHOT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._messages: deque[Message] = deque()
        self._bytes = 0
        self._ready = threading.Condition()
        self._closed = False
        self.dropped = 0

    def put(self, message: Message, patience_s: float = 0.0) -> None:
        """One more; a shot waits up to `patience_s` seconds for room, and none at all by default."""
        size = _size(message)
        with self._ready:
            if size and patience_s:
                self._ready.wait_for(lambda: self._bytes + size <= self._most_bytes, patience_s)
            self._messages.append(message)
            self._bytes += size
            while self._bytes > self._most_bytes:
                self._drop_shot()
            self._ready.notify_all()

    def take(self, patience_s: float) -> Message | None:
        """The next message; None when none has come for so long, or will."""
        with self._ready:
            self._ready.wait_for(lambda: self._messages or self._closed, patience_s)
            if not self._messages:
                return None
            message = self._messages.popleft()
            self._bytes -= _size(message)
            self._ready.notify_all()
            return message

    @property
    def drained(self) -> bool:
        """Whether nothing is left, and nothing will come."""
        return self._closed and not self._messages

    def close(self) -> None:
        """Nothing more will come."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()

    def _drop_shot(self) -> None:
        index = next(index for index, message in enumerate(self._messages) if isinstance(message, Shot))
        self._bytes -= _size(self._messages[index])
        del self._messages[index]
        self.dropped += 1


def _size(message: Message) -> int:
    return message.frame.nbytes if isinstance(message, Shot) else 0


def _kind(job: Job) -> str:
    if isinstance(job, Film):
        return "clip"
    return "near_miss" if isinstance(job.subject, NearMiss) else "snapshot"


def _worth(job: Job) -> int:
    return ("near_miss", "clip", "snapshot").index(_kind(job))
