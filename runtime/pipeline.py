"""From a source to events: the loop that takes frames, looks, asks the rules, writes events and feeds the sinks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edge_resnet import overlay
from runtime.events.event import Event
from runtime.events.journal import Journal
from runtime.look import Examiner, Look
from runtime.pace import Pace
from runtime.rule import Rule, Transition
from runtime.sinks.sink import Sink
from runtime.sources.frame import Frame, Source


@dataclass
class Pipeline:
    """One camera, watched. `rules`: by alarm. `max_seconds`: of the stream, None for no end.

    `looks` counts along.
    """

    source: Source
    examiner: Examiner
    rules: Mapping[str, Rule]
    journal: Journal
    sinks: Sequence[Sink]
    pace: Pace
    max_seconds: float | None = None
    looks: int = field(default=0, init=False)
    _latest: Look | None = field(default=None, init=False)

    def run(self) -> None:
        """Watch until the source ends, is interrupted or `max_seconds` are over; then clear what is still held.

        Raises CameraError, BackendError and UserError (the store); what was raised until then is in the store, cleared.
        """
        pictures = any(sink.wants_pictures for sink in self.sinks)
        try:
            for frame in self.source.frames(self._every_frame if pictures else self.pace.is_due):
                if self.max_seconds is not None and frame.time_s >= self.max_seconds:
                    break
                if self.pace.is_due(frame.time_s):
                    self.pace.take(frame.time_s)
                    self._look(frame)
                if pictures:
                    self._show(frame)
        finally:
            # All of them written before the first is told: a sink may be what failed.
            cleared = [self._enter(alarm, rule.finish()) for alarm, rule in self.rules.items()]
            self._tell(cleared)

    @staticmethod
    def _every_frame(time_s: float) -> bool:
        return True

    def _look(self, frame: Frame) -> None:
        look = self.examiner.look(frame)
        self._latest = look
        self.looks += 1
        for sink in self.sinks:
            sink.look(look)
        self._tell(
            [self._enter(alarm, rule.look(look.time_s, look.alarms[alarm])) for alarm, rule in self.rules.items()]
        )

    def _enter(self, alarm: str, transition: Transition) -> Event | None:
        return self.journal.enter(alarm, self._strongest_class(alarm), transition)

    def _tell(self, events: Sequence[Event | None]) -> None:
        for event in filter(None, events):
            for sink in self.sinks:
                sink.event(event)

    def _strongest_class(self, alarm: str) -> str:
        probabilities = self._latest.probabilities if self._latest else {}
        return max(self.examiner.model.alarms[alarm].classes, key=lambda label: probabilities.get(label, 0.0))

    def _show(self, frame: Frame) -> None:
        """Annotate a frame with the latest look, at it or shortly before, and give it to the sinks."""
        look, model = self._latest, self.examiner.model
        # The first frame is always looked at.
        assert look is not None
        caption = overlay.Caption(
            probabilities=look.probabilities,
            alarming=frozenset(label for alarm in model.alarms.values() for label in alarm.classes),
            held={alarm: look.alarms[alarm] for alarm in self.journal.held},
            note=f"{self.source.name.rpartition('/')[2]}  {frame.time_s:.1f} s",
        )
        heat = None
        if look.alarms:
            alarm = max(look.alarms, key=look.alarms.__getitem__)
            heat = overlay.heat_map(look.cam, model.class_indices(alarm), look.alarms[alarm], model.temperature)
        image = overlay.draw(frame.image, caption, heat, model.input.preprocess)
        for sink in self.sinks:
            sink.picture(image, frame.time_s)
