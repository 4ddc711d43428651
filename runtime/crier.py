"""The crier: tells the outputs of a watch what was found, and remembers it for whoever waits for the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from runtime.channel import Found
from runtime.events.event import Event
from runtime.outputs.output import Output
from runtime.service.metrics import Metrics

# A summary is for runs that somebody waits for; all events are in the store.
_MOST_EVENTS = 10_000


@dataclass
class Crier:
    """`raised`: how many alarms were raised since the start."""

    outputs: Sequence[Output]
    metrics: Metrics
    raised: int = field(default=0, init=False)
    _events: dict[str, Event] = field(default_factory=dict, init=False)

    def tell(self, discovered: Iterable[Found]) -> None:
        """Events that were raised or cleared, and near misses, all of them in the store already."""
        for found in discovered:
            if isinstance(found.subject, Event):
                self._tell_event(found.subject)
            # What shows an event was told when it was raised.
            if found.shot is None or found.look is None or _is_over(found):
                continue
            for output in self.outputs:
                output.evidence(found.subject, found.shot, found.look)

    def events(self) -> tuple[Event, ...]:
        """The latest events (all, but for a watch of months) as they stand, in the order of the stream."""
        return tuple(sorted(self._events.values(), key=lambda event: (event.raised_s, event.camera, event.alarm)))

    def _tell_event(self, event: Event) -> None:
        self._events[event.id] = event
        if len(self._events) > _MOST_EVENTS:
            del self._events[next(iter(self._events))]
        if event.ended_s is None:
            self.raised += 1
            self.metrics.event(event.camera, event.alarm)
        for output in self.outputs:
            output.event(event)


def _is_over(found: Found) -> bool:
    return isinstance(found.subject, Event) and found.subject.ended_s is not None
