"""An event: one episode of one alarm of one camera, as it is stored and told."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.severity import Severity


@dataclass(frozen=True)
class Event:
    """An alarm that was raised.

    `id`: a UUID. `camera`: its name, without a password. `label`: the alarm's most probable class when it was raised.
    `raised_at`: wall clock, UTC, ISO 8601; None for a file, whose pictures may be of any day. `created_at`: when the
    row was written. `started_s`, `raised_s`, `ended_s`: seconds of the stream (first look over the threshold, the look
    that raised it, the last look that held it; the last is None while it is held). `peak`, `mean`, `looks`: of the
    probability, over the looks that held it. `model_sha256`, `backend`, `precision`: what decided. `zone`: whose
    evidence was judged; None for the whole frame. `run`: of the recorded scores (runtime/events/scores.py).
    `interrupted`: its end was not seen, for the run ended or the alarm was disarmed; the end is the last that is known.
    """

    id: str
    camera: str
    alarm: str
    label: str
    raised_at: str | None
    created_at: str
    started_s: float
    raised_s: float
    ended_s: float | None
    peak: float
    mean: float
    looks: int
    model_sha256: str
    backend: str
    precision: str
    zone: str | None = None
    severity: Severity = "warning"
    run: str = ""
    interrupted: bool = False
