"""The outbox: deliveries are rows of the event's own transaction, so that none is lost and none is told of nothing."""

from __future__ import annotations

from collections.abc import Iterable

from runtime.events.database import Database
from runtime.events.notice import Notice

# A notice that is written twice to one sink (a retry of a commit whose answer was lost) stays one delivery.
_INSERT = """
    INSERT INTO deliveries (sink, notice_id, event_id, incident_id, notice, created_at)
    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (sink, notice_id) DO NOTHING
"""


def post(
    database: Database, notice: Notice, sinks: Iterable[str], *, event_id: str | None, incident_id: str | None
) -> None:
    """Write one delivery of `notice` for each of `sinks`, in the transaction that is open."""
    text = notice.to_json()
    database.run_each(_INSERT, [(sink, notice.id, event_id, incident_id, text, notice.at) for sink in sinks])
