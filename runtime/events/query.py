"""Which events and near misses are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Query:
    """None: whatever it is. `since`, `until`: of created_at, UTC, ISO 8601; `until` is not included."""

    camera: str | None = None
    alarm: str | None = None
    since: str | None = None
    until: str | None = None

    def where(self) -> tuple[str, dict[str, Any]]:
        """An SQL condition on events or near misses, and its values."""
        conditions = {
            "camera": "camera = :camera",
            "alarm": "alarm = :alarm",
            "since": "created_at >= :since",
            "until": "created_at < :until",
        }
        given = {name: value for name, value in vars(self).items() if value is not None}
        return " AND ".join(conditions[name] for name in given) or "1", given
