"""What tests of the event store write into it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from runtime.events.event import Event
from runtime.events.near_miss import NearMiss
from runtime.events.scores import JudgedTarget, Piece, RecordedLook

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=timezone.utc)


def at(days_ago: float = 0.0) -> str:
    """A moment before NOW, as the store writes it."""
    return (NOW - timedelta(days=days_ago)).isoformat(timespec="milliseconds")


def event(days_ago: float = 0.0, **changed: Any) -> Event:
    """A live camera's event that is over."""
    values: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "camera": "yard",
        "alarm": "fire",
        "label": "fire",
        "raised_at": at(days_ago),
        "created_at": at(days_ago),
        "started_s": 1.0,
        "raised_s": 2.0,
        "ended_s": 4.0,
        "peak": 0.9,
        "mean": 0.8,
        "looks": 6,
        "model_sha256": "0" * 64,
        "backend": "opencv",
        "precision": "fp32",
    }
    return Event(**{**values, **changed})


def miss(days_ago: float = 0.0) -> NearMiss:
    """A near miss of a live camera."""
    return NearMiss(
        id=str(uuid.uuid4()),
        camera="yard",
        alarm="fire",
        zone=None,
        label="fire",
        seen_at=at(days_ago),
        created_at=at(days_ago),
        began_s=1.0,
        ended_s=2.0,
        best=0.45,
        best_s=1.5,
        threshold=0.5,
        looks=2,
        reason="best 0.45 under 0.50",
        run="r",
        model_sha256="0" * 64,
        backend="opencv",
        precision="fp32",
    )


def piece(days_ago: float = 0.0, looks: int = 1) -> Piece:
    """Recorded scores."""
    seen = tuple(
        RecordedLook(0.2 * number, number, 0.1, "off", (0.5, 0.5), (JudgedTarget(0.5, "idle"),))
        for number in range(looks)
    )
    return Piece(
        "r",
        "yard",
        at(days_ago),
        ("normal", "fire"),
        (("fire", None),),
        ({"threshold": 0.5},),
        "0" * 64,
        "b",
        "p",
        seen,
    )


def put(path: Path, size: int) -> Path:
    """A file of so many bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    return path
