"""JSON lines: one object for each look and for each event, for programs that read along."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from runtime.events.event import Event
from runtime.events.incident import Incident
from runtime.look import Look
from runtime.outputs.output import Output

STANDARD_OUTPUT = "-"


class JsonLines(Output):
    """Writes to a file (what is there stays, lines are added) or to standard output, each line at once.

    `{"type": "look", "camera", "time_s", "frame", "label", "probabilities", "alarms"}`, of a camera on the ladder with
    its rung as `"attention"` and what there was to watch it for as `"attention_why"` (runtime/look.py),
    `{"type": "event", "what": "raised" or "cleared", ...}` with the fields of Event, and
    `{"type": "incident", "what": "began" or "ended", ...}` with those of Incident.
    """

    def __init__(self, target: str) -> None:
        """`target`: a path, or - for standard output. Raises OSError."""
        self._stack = ExitStack()
        self._file: TextIO = sys.stdout
        if target != STANDARD_OUTPUT:
            path = Path(target)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._stack.enter_context(path.open("a", encoding="utf-8"))

    def look(self, look: Look) -> None:
        probabilities = {label: round(value, 4) for label, value in look.probabilities.items()}
        alarms = {alarm: round(value, 4) for alarm, value in look.alarms.items()}
        line = {"type": "look", "camera": look.camera, "time_s": round(look.time_s, 3), "frame": look.index}
        line = {**line, "label": look.label, "probabilities": probabilities, "alarms": alarms}
        if (why := look.occasion).attention:
            line = {**line, "attention": why.attention, "attention_why": why.attention_why}
        self._write(line)

    def event(self, event: Event) -> None:
        self._write({"type": "event", "what": "raised" if event.ended_s is None else "cleared", **asdict(event)})

    def incident(self, incident: Incident) -> None:
        self._write({"type": "incident", "what": "ended" if incident.ended_at else "began", **asdict(incident)})

    def close(self) -> None:
        self._stack.close()

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line, allow_nan=False) + "\n")
        # A reader at the other end of the pipe waits for this line, not for the buffer to fill.
        self._file.flush()
