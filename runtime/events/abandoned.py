"""What a run that was cut off left open: its events and incidents get the end that is known of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from runtime.events.event import Event
from runtime.events.journal import Route
from runtime.events.notice import Notice
from runtime.events.store import EventStore
from runtime.moment import iso


def close_abandoned(store: EventStore, now: datetime, route: Route) -> list[Event]:
    """End what is open, before the new run writes anything; the events that were.

    An event ends with the last look that was recorded of its camera, is marked as interrupted, and that it is over is
    told as ever: a light that an alarm has switched on must not burn for ever.
    """
    at = iso(now)
    store.close_abandoned(at)
    closed = [replace(event, ended_s=store.last_judged_s(event), interrupted=True) for event in store.open_events()]
    with store.together():
        for event in closed:
            notice = Notice.of_event(event, at)
            store.update(event, notice, route(notice))
    return closed
