"""A near miss: looks that came near an alarm and raised none, and why not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NearMiss:
    """An attempt of one alarm of one camera that raised nothing.

    `id`: a UUID. `zone`: whose evidence was judged; None for the whole frame. `label`: the most probable class of the
    alarm at its end. `seen_at`: wall clock, UTC, ISO 8601; None for a file. `created_at`: when the row was written.
    `began_s`, `ended_s`: seconds of the stream, its first and last look over the low threshold. `best`: the highest
    probability, at `best_s`. `threshold`: what it should have reached. `reason`: in words, what lacked. `run`: of the
    recorded scores (runtime/events/scores.py). `model_sha256`, `backend`, `precision`: what decided.
    """

    id: str
    camera: str
    alarm: str
    zone: str | None
    label: str
    seen_at: str | None
    created_at: str
    began_s: float
    ended_s: float
    best: float
    best_s: float
    threshold: float
    looks: int
    reason: str
    run: str
    model_sha256: str
    backend: str
    precision: str
