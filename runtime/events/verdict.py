"""Verdicts: what people say of events; they are the truth for backtests of recorded scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from runtime.events.database import Database

# There was what the alarm said; there was not; nobody can tell.
Judged = Literal["true", "false", "unclear"]
JUDGED: tuple[Judged, ...] = get_args(Judged)


@dataclass(frozen=True)
class Verdict:
    """`given_at`: wall clock, UTC, ISO 8601."""

    event_id: str
    verdict: Judged
    note: str
    given_at: str


def give(database: Database, verdict: Verdict) -> None:
    """Write a verdict on an event that is there; a later one takes the place of an earlier one, whose note stays."""
    database.run(
        """
        INSERT INTO verdicts (event_id, verdict, note, given_at) VALUES (?, ?, ?, ?)
        ON CONFLICT (event_id) DO UPDATE SET verdict = excluded.verdict, given_at = excluded.given_at,
            note = CASE excluded.note WHEN '' THEN note ELSE excluded.note END
        """,
        (verdict.event_id, verdict.verdict, verdict.note, verdict.given_at),
    )


def verdicts(database: Database) -> dict[str, Verdict]:
    """All verdicts, by the event's id."""
    rows = database.rows("SELECT event_id, verdict, note, given_at FROM verdicts ORDER BY given_at")
    return {event_id: Verdict(event_id, judged, note, at) for event_id, judged, note, at in rows}
