"""A notice: what is told to sinks of an event or an incident; its id is the same however often it is delivered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Literal, get_args

from edge_resnet.errors import UserError
from runtime.events.event import Event
from runtime.events.incident import Incident
from runtime.severity import SEVERITIES, Severity

# A camera is down or up again; `summary`: many notices folded into one; `test`: somebody tries whether it arrives.
What = Literal["raised", "cleared", "down", "up", "summary", "test"]


class Unreadable(UserError):
    """What was kept of a notice is none, or none that this version knows."""


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
    def from_json(cls, text: str | bytes) -> Notice:
        """What to_json gave, of a later version too. Raises Unreadable for anything else."""
        try:
            values = json.loads(text)
            notice = cls(**{field.name: values[field.name] for field in fields(cls)})
            _check(notice)
        except (ValueError, TypeError, LookupError) as error:
            raise Unreadable(f"not a notice that can be read ({type(error).__name__}: {error})") from error
        return notice


def _check(notice: Notice) -> None:
    """Raises ValueError, TypeError for what would be found out too late: by a sink, at each attempt."""
    if notice.what not in get_args(What) or notice.severity not in SEVERITIES:
        raise ValueError(f"{notice.what}, {notice.severity}")
    texts = (notice.id, notice.camera or "", notice.alarm or "")
    if not all(isinstance(text, str) for text in texts) or not isinstance(notice.body, dict):
        raise TypeError("a value of another kind")
    if datetime.fromisoformat(notice.at).tzinfo is None:
        raise ValueError(f"{notice.at}: no time zone")
