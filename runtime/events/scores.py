"""Recorded scores: each look of a camera as it was judged, in pieces; they tell why, and are replayed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from runtime.events.database import Damaged, Database

# Fast, and three quarters of what the slowest level saves.
_LEVEL = 1
# What a piece may unpack to: minutes of looks with a thousand classes.
_MOST_BYTES = 1 << 26
# Probabilities are kept as whole millionths: written, packed and read in half the time, and a tenth smaller.
_MILLION = 1_000_000

_INSERT = "INSERT INTO scores (run, camera, created_at, first_s, last_s, looks, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
_SELECT = """
    SELECT run, camera, created_at, body FROM scores
    WHERE run = ? AND camera = ? AND last_s >= ? AND first_s <= ? ORDER BY first_s
"""
_SELECT_BY_TIME = """
    SELECT run, camera, created_at, body FROM scores WHERE created_at >= ? AND created_at < ?
    ORDER BY camera, run, first_s
"""


@dataclass(frozen=True)
class JudgedTarget:
    """A rule at a look: the probability it was given, 0..1, its state afterwards and what it lacked for an alarm."""

    probability: float
    state: str
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class RecordedLook:
    """A look as it was judged. `time_s`: of the stream. `index`: the frame's. `age_s`: from the frame's capture to the
    judgement; None for a file. `gate`, `attention`, `attention_why`: see Occasion (runtime/look.py).

    `probabilities`: by label, in the piece's order. `targets`: in the piece's order.
    """

    time_s: float
    index: int
    age_s: float | None
    gate: str
    probabilities: tuple[float, ...]
    targets: tuple[JudgedTarget, ...]
    attention: str = ""
    attention_why: str = ""


@dataclass(frozen=True)
class Piece:
    """Consecutive looks of one `camera` in one `run` (a UUID). `created_at`: when its last look was judged (UTC).

    `labels`; `targets`: alarm and zone (None for the whole picture) of each rule, and `rules`: its settings, as
    RuleSettings has them. `model_sha256`, `backend`, `precision`: what classified.
    """

    run: str
    camera: str
    created_at: str
    labels: tuple[str, ...]
    targets: tuple[tuple[str, str | None], ...]
    rules: tuple[Mapping[str, float], ...]
    model_sha256: str
    backend: str
    precision: str
    looks: tuple[RecordedLook, ...]


def write(database: Database, pieces: Iterable[Piece]) -> None:
    """Write pieces, each with at least one look; in the transaction that is open, or each in its own."""
    rows = [
        (
            each.run,
            each.camera,
            each.created_at,
            each.looks[0].time_s,
            each.looks[-1].time_s,
            len(each.looks),
            _pack(each),
        )
        for each in pieces
    ]
    database.run_each(_INSERT, rows)


def read(
    database: Database, run: str, camera: str, first_s: float = float("-inf"), last_s: float = float("inf")
) -> list[Piece]:
    """The pieces of a run's camera that have looks between two times of its stream, in order. Raises Damaged."""
    # SQLite has no infinity that compares well with its integers in all versions: 9e99 s is later than any stream.
    bounds = max(first_s, -9e99), min(last_s, 9e99)
    return [_unpack(database, row) for row in database.rows(_SELECT, (run, camera, *bounds))]


def read_between(database: Database, since: str, until: str) -> list[Piece]:
    """The pieces written at `since` or later and before `until` (UTC, ISO 8601), by camera and run, in order."""
    return [_unpack(database, row) for row in database.rows(_SELECT_BY_TIME, (since, until))]


def _pack(piece: Piece) -> bytes:
    probabilities = _millionths([look.probabilities for look in piece.looks])
    judged = _millionths([[each.probability for each in look.targets] for look in piece.looks])
    looks = [
        [
            look.time_s,
            look.index,
            None if look.age_s is None else round(look.age_s, 3),
            look.gate,
            of_labels,
            [[value, each.state, each.lacks] for value, each in zip(of_targets, look.targets, strict=True)],
            # Only where there is a ladder, and so it is with what was written before there was one.
            *([look.attention, look.attention_why] if look.attention else ()),
        ]
        for look, of_labels, of_targets in zip(piece.looks, probabilities, judged, strict=True)
    ]
    body = {
        "labels": piece.labels,
        "targets": piece.targets,
        "rules": [dict(rule) for rule in piece.rules],
        "model_sha256": piece.model_sha256,
        "backend": piece.backend,
        "precision": piece.precision,
        "seen": looks,
    }
    return zlib.compress(json.dumps(body, allow_nan=False, separators=(",", ":")).encode(), _LEVEL)


def _millionths(rows: Sequence[Sequence[float]]) -> list[list[int]]:
    whole: list[list[int]] = np.rint(np.asarray(rows, np.float64) * _MILLION).astype(np.int64).tolist()
    return whole


def _unpack(database: Database, row: Sequence[Any]) -> Piece:
    run, camera, created_at, packed = row
    try:
        stream = zlib.decompressobj()
        body = json.loads(stream.decompress(packed, _MOST_BYTES))
        if stream.unconsumed_tail:
            raise ValueError("too long")
        looks = tuple(_look(*look) for look in body.pop("seen"))
        targets = tuple((alarm, zone) for alarm, zone in body.pop("targets"))
        labels, rules = tuple(body.pop("labels")), tuple(body.pop("rules"))
        return Piece(run, camera, created_at, labels=labels, targets=targets, rules=rules, looks=looks, **body)
    except (zlib.error, ValueError, TypeError, KeyError, RecursionError) as error:
        raise Damaged(f"{database.path}: recorded scores of {camera} cannot be read ({error})") from error


def _look(
    time_s: float,
    index: int,
    age_s: float | None,
    gate: str,
    millionths: list[int],
    targets: list[Any],
    attention: str = "",
    attention_why: str = "",
) -> RecordedLook:
    judged = tuple(JudgedTarget(value / _MILLION, state, tuple(lacks)) for value, state, lacks in targets)
    probabilities = tuple(value / _MILLION for value in millionths)
    return RecordedLook(time_s, index, age_s, gate, probabilities, judged, attention, attention_why)
