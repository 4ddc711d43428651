"""What waits to be written, in order; and what was, so that it can be written anew into another store."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from runtime.events.event import Event
from runtime.events.notice import Notice
from runtime.events.store import EventStore

Run = Callable[[EventStore], None]

# What is lost first when there is no space: scores, then near misses; what is kept never is.
SCORES, MISS, KEPT = range(3)
# Some hours of the worst storm; what is more is lost, and counted.
MOST_WAITING = 10_000
# Of some days, as a rule: a damaged page takes the newest rows first, for those were written last.
MOST_REMEMBERED = 1_000


@dataclass(frozen=True)
class Write:
    """Something to write. `otherwise`: in its place when the store refuses it, as it does what is there already."""

    run: Run
    worth: int = KEPT
    otherwise: Run | None = None


class Waiting:
    """A queue of writes. `lost`: how many were, though they were to be kept."""

    def __init__(self) -> None:
        self._writes: deque[Write] = deque()
        self.lost = 0

    def __len__(self) -> int:
        return len(self._writes)

    def append(self, write: Write) -> None:
        """One more, at the end. Where there are too many, the one that is worth least goes, the oldest of these."""
        self._writes.append(write)
        if len(self._writes) > MOST_WAITING:
            self._writes.remove(min(self._writes, key=lambda each: each.worth))
            self.lost += 1

    def begin_with(self, writes: Iterable[Write]) -> None:
        """Others that come first."""
        self._writes.extendleft(reversed(list(writes)))

    def first(self, count: int) -> list[Write]:
        """The next that are to be written."""
        return list(islice(self._writes, count))

    def written(self, count: int) -> None:
        """So many of the first are written."""
        for _ in range(count):
            self._writes.popleft()

    def refused(self) -> bool:
        """The store refused the first. Whether it is lost, and not tried otherwise."""
        write = self._writes.popleft()
        if write.otherwise is not None:
            self._writes.appendleft(Write(write.otherwise, write.worth))
            return False
        self.lost += 1
        return True

    def drop(self, worth: int) -> bool:
        """Let go of what is worth no more than that. Whether there was any."""
        kept = [write for write in self._writes if write.worth > worth]
        dropped = len(kept) < len(self._writes)
        self._writes = deque(kept)
        return dropped


class Remembered:
    """The latest events of a run as they stand, each with what was to be told of it."""

    def __init__(self) -> None:
        self._events: dict[str, tuple[Event, list[tuple[Notice, Sequence[str]]]]] = {}

    def note(self, event: Event, notice: Notice | None, sinks: Sequence[str]) -> None:
        """An event was raised, or has changed."""
        _, told = self._events.get(event.id, (event, []))
        if notice is not None:
            told = [*told, (notice, sinks)]
        self._events[event.id] = event, told
        if len(self._events) > MOST_REMEMBERED:
            del self._events[next(iter(self._events))]

    def writes(self) -> list[Write]:
        """All of them, to be written into a store that may have them or not."""
        return [Write(_restore(event, told)) for event, told in self._events.values()]


def _restore(event: Event, told: Sequence[tuple[Notice, Sequence[str]]]) -> Run:
    def run(store: EventStore) -> None:
        if store.find(event.id):
            store.update(event)
        else:
            store.add(event)
        # A delivery that is there stays as it is; one that is not is made, so that nobody is told less than once.
        for notice, sinks in told:
            store.update(event, notice, sinks)

    return run
