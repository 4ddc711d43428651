"""A test notice to sinks, now: what somebody wants to see arrive before an alarm must."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from runtime.config.sinks import SinkSettings
from runtime.delivery.queue import told
from runtime.events.journal import utc_now
from runtime.events.notice import Notice
from runtime.moment import iso
from runtime.sinks.registry import open_sink
from runtime.sinks.sink import Context


@dataclass(frozen=True)
class Tried:
    """How a sink took it. `why`: it did not arrive; empty when it did. `seconds` until then."""

    sink: str
    kind: str
    notice: str
    arrived: bool
    why: str
    seconds: float


def try_sinks(sinks: Mapping[str, SinkSettings]) -> Iterator[Tried]:
    """Send a notice that is marked as a test to each sink, one after the other; nothing is written to the store."""
    for name, settings in sinks.items():
        notice = _notice()
        began_s, why = time.monotonic(), ""
        try:
            sink = open_sink(settings, Context(name, trial=True))
            try:
                sink.deliver(notice, ())
                sink.flush()
            finally:
                sink.close()
        except Exception as error:
            # Whatever it is, this is what would keep alarms from arriving.
            why = told(error) or type(error).__name__
        yield Tried(name, settings.kind, notice.id, not why, why, round(time.monotonic() - began_s, 3))


def _notice() -> Notice:
    body = {"test": True, "text": "This is a test of edge-resnet. Nothing has happened."}
    return Notice(f"{uuid.uuid4()}:test", "test", None, None, "info", iso(utc_now()), body)
