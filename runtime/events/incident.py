"""An incident: something that kept the box or a camera from watching, from when to when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Incident:
    """`id`: a UUID. `camera`: its name; None for the box. `kind`: a state of blindness, or what befell the box.

    `began_at`, `ended_at`: wall clock, UTC, ISO 8601; the end is None while it lasts. `evidence`: what was measured.
    """

    id: str
    camera: str | None
    kind: str
    began_at: str
    ended_at: str | None = None
    evidence: Mapping[str, float | str] = field(default_factory=dict)
