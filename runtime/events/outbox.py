"""The outbox: deliveries are rows of the event's own transaction, so that none is lost and none is told of nothing."""

from __future__ import annotations

from collections.abc import Iterable

from runtime.events.database import Database
from runtime.events.notice import Notice

# A notice that is written twice to one sink (a retry of a commit whose answer was lost) stays one delivery.
_INSERT = """
    INSERT INTO deliveries (sink, notice_id, event_id, incident_id, notice, created_at, urgent)
    VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (notice_id, sink) DO NOTHING
"""
_TOLD = "SELECT sink FROM deliveries WHERE notice_id = ? ORDER BY id"
_BEGINNINGS = {"cleared": "raised", "up": "down"}


def post(
    database: Database, notice: Notice, sinks: Iterable[str], *, event_id: str | None, incident_id: str | None
) -> None:
    """Write one delivery of `notice` for each of `sinks`, in the transaction that is open.

    An end goes to whoever is told of the beginning instead, whatever the sinks ask for meanwhile: what one of them has
    switched on is switched off, and none hears that something is over of which it knows nothing.
    """
    if (beginning := _BEGINNINGS.get(notice.what)) is not None:
        begun = f"{notice.id.rpartition(':')[0]}:{beginning}"
        sinks = [sink for (sink,) in database.rows(_TOLD, (begun,))]
    urgent = notice.what == "raised" and notice.severity == "critical"
    text = notice.to_json()
    database.run_each(_INSERT, [(sink, notice.id, event_id, incident_id, text, notice.at, urgent) for sink in sinks])
