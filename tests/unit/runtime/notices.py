"""Events, incidents and notices for tests of what becomes of them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from runtime.events.event import Event
from runtime.events.incident import Incident
from runtime.events.notice import Notice
from runtime.events.store import EventStore

AT = "2026-11-29T12:00:00.000+00:00"


def event(camera: str = "yard/gate", alarm: str = "fire", **more: Any) -> Event:
    """An event that is held, a new one each time."""
    values: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "camera": camera,
        "alarm": alarm,
        "label": alarm,
        "raised_at": AT,
        "created_at": AT,
        "started_s": 1.0,
        "raised_s": 2.0,
        "ended_s": None,
        "peak": 0.91,
        "mean": 0.85,
        "looks": 5,
        "model_sha256": "ab" * 32,
        "backend": "opencv",
        "precision": "fp32",
    }
    return Event(**{**values, **more})


def raised(subject: Event | None = None, at: str = AT) -> Notice:
    """That an event was raised."""
    return Notice.of_event(subject or event(), at)


def cleared(subject: Event, at: str = AT) -> Notice:
    """That it is over."""
    return Notice.of_event(replace(subject, ended_s=9.0), at)


def incident(camera: str | None = "yard/gate", kind: str = "offline", **more: Any) -> Incident:
    """One that lasts, a new one each time."""
    return Incident(str(uuid.uuid4()), camera, kind, AT, evidence={"reason": "refused"}, **more)


def add(store: EventStore, count: int, sinks: Sequence[str] = ("phone",), **more: Any) -> list[Notice]:
    """Raise so many events; their notices, in order."""
    notices = []
    for _ in range(count):
        subject = event(**more)
        notices.append(raised(subject))
        store.add(subject, notices[-1], sinks)
    return notices
