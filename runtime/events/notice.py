"""A notice: what is told to sinks of an event or an incident; its id is the same however often it is delivered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from runtime.events.event import Event
from runtime.events.incident import Incident
from runtime.severity import Severity

# A camera is down or up again; `summary`: many notices folded into one; `test`: somebody tries whether it arrives.
What = Literal["raised", "cleared", "down", "up", "summary", "test"]


@dataclass(frozen=True)
class Notice:
    """`id`: who has seen it need not look at it again. `what` befell `camera` (None: the box).

    `at`: wall clock, UTC, ISO 8601. `alarm`: None but for events. `body`: JSON, the fields of the Event or the Incident
    as they stood.
    """

    id: str
    what: What
    camera: str | None
    alarm: str | None
    severity: Severity
    at: str
    body: Mapping[str, Any]

    @classmethod
    def of_event(cls, event: Event, at: str) -> Notice:
        """That an event was raised, or cleared when it has an end."""
        what: What = "raised" if event.ended_s is None else "cleared"
        return cls(f"{event.id}:{what}", what, event.camera, event.alarm, event.severity, at, asdict(event))

    @classmethod
    def of_incident(cls, incident: Incident, at: str) -> Notice:
        """That a camera is down, or up again when the incident has an end."""
        what: What = "down" if incident.ended_at is None else "up"
        body = {**asdict(incident), "evidence": dict(incident.evidence)}
        return cls(f"{incident.id}:{what}", what, incident.camera, None, "warning", at, body)

    def to_json(self) -> str:
        """One line, the same for the same notice."""
        return json.dumps(asdict(self), allow_nan=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Notice:
        """What to_json gave."""
        return cls(**json.loads(text))
