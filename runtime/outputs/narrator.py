"""Tells of each event in the log."""

from __future__ import annotations

from runtime.events.event import Event
from runtime.outputs.output import Output
from runtime.service.logs import Log


class Narrator(Output):
    """For whoever reads the log, at the terminal or a year later."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def event(self, event: Event) -> None:
        facts = {"camera": event.camera, "label": event.label, "mean": round(event.mean, 2)}
        if event.ended_s is None:
            self._log.warning(f"ALARM {event.alarm} at {event.raised_s:.1f} s", **facts)
        else:
            facts["peak"] = round(event.peak, 2)
            over = "not watched any more, last seen" if event.interrupted else "over"
            self._log.info(f"{event.alarm} {over} at {event.ended_s:.1f} s", looks=event.looks, **facts)
