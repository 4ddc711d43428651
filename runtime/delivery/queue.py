"""The queue of one sink: its head is delivered, or nothing is; what cannot be for long goes to the dead letters."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from runtime.config.sinks import SinkSettings
from runtime.delivery.folding import Folding, summary
from runtime.delivery.patience import Patience
from runtime.events.deliveries import Deliveries, Delivery
from runtime.events.journal import utc_now
from runtime.service.logs import Log
from runtime.service.redaction import redact_text
from runtime.sinks.sink import Refused, Sink, Unavailable

# Without anybody's ring: what another process (edge-resnet deliveries resend) has written is found so late.
IDLE_S = 10.0
# Those that were delivered are committed together, but no later than this: it bounds what is repeated after a crash.
_SETTLE_S = 0.1
_BATCH = 64
# How often is looked for pictures that are being written.
_PICTURES_S = 0.2
_LONGEST_ERROR = 300


class Broken(Unavailable):
    """The sink failed in a way that it did not foresee; it is to be made anew."""


@dataclass
class Queue:
    """What stays the same while sinks and connections are made anew. Of one thread.

    `clock`: seconds that never jump; `wall`: the time now, aware.
    """

    name: str
    settings: SinkSettings
    log: Log
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], datetime] = utc_now
    progressed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._folding = Folding(self.settings.fold_after, self.settings.fold_within)
        # Of several that had to wait one is to be made.
        self._waited = False
        self._unsettled: list[Delivery] = []
        self._settled_s = self.clock()
        self._patience = Patience(self.clock, lambda: self.wall())

    def drain(self, deliveries: Deliveries, sink: Sink, goes_on: Callable[[], bool], last: bool = False) -> float:
        """Deliver what waits, while it `goes_on`; how long there will be nothing to do then, in seconds.

        `last`: nothing may wait for later, neither for pictures nor for a storm to end. Raises Unavailable when the
        sink cannot be told now, and what Deliveries raises; both leave all as it is, and the call can be repeated.
        `progressed`: whether anything was settled.
        """
        self.progressed = False
        try:
            while goes_on():
                self._settle(deliveries, sink)
                waiting = deliveries.pending(self.name, _BATCH)
                if not waiting:
                    return IDLE_S
                if (pause_s := self._drain(waiting, deliveries, sink, goes_on, last)) > 0.0:
                    return pause_s
            return 0.0
        finally:
            self._settle(deliveries, sink)

    def _drain(
        self,
        waiting: list[Delivery],
        deliveries: Deliveries,
        sink: Sink,
        goes_on: Callable[[], bool],
        last: bool,
    ) -> float:
        for delivery in waiting:
            if not goes_on():
                break
            wait_s = self._folding.wait_s(delivery.notice, self.clock())
            if wait_s > 0.0 and not last:
                self._waited = True
                self._settle(deliveries, sink)
                return self._deliver_urgent(deliveries, sink, min(wait_s, IDLE_S))
            if self._waited or wait_s > 0.0:
                self._waited = False
                self._settle(deliveries, sink)
                if deliveries.fold(self.name, partial(summary, now=self.wall())):
                    break
            if not last and self._waits_for_pictures(delivery, deliveries, sink):
                return _PICTURES_S
            if self._deliver(delivery, deliveries, sink):
                self._folding.sent(delivery.notice, self.clock())
        return 0.0

    def _deliver_urgent(self, deliveries: Deliveries, sink: Sink, wait_s: float) -> float:
        """Deliver what may not wait until a storm is over; how long there will be nothing to do then.

        It goes past what waits, and does not count: the others wait no longer for it.
        """
        urgent = deliveries.urgent(self.name)
        if urgent is None:
            return wait_s
        if self._waits_for_pictures(urgent, deliveries, sink):
            return _PICTURES_S
        self._deliver(urgent, deliveries, sink)
        return 0.0

    def _deliver(self, delivery: Delivery, deliveries: Deliveries, sink: Sink) -> bool:
        """Deliver one; whether the sink took it. Raises Unavailable."""
        pictures = () if delivery.event_id is None else deliveries.pictures(delivery.event_id)
        try:
            sink.deliver(delivery.notice, pictures)
        except Refused as error:
            self._settle(deliveries, sink)
            self._refused(delivery, deliveries, told(error))
            return False
        except Exception as error:
            # What went before it may have arrived, or may not.
            with suppress(Unavailable):
                self._settle(deliveries, sink)
            raise self._failed(delivery, deliveries, error) from error
        self._unsettled.append(delivery)
        if self.clock() - self._settled_s >= _SETTLE_S:
            self._settle(deliveries, sink)
        return True

    def _refused(self, delivery: Delivery, deliveries: Deliveries, why: str) -> None:
        deliveries.dead(delivery, why)
        self._patience.succeeded()
        self.progressed = True
        kept = "what it tells as dead letters" if delivery.notice.what == "summary" else "as a dead letter"
        self.log.error(f"refused by a sink, kept {kept}", sink=self.name, delivery=delivery.id, why=why)

    def _failed(self, delivery: Delivery, deliveries: Deliveries, error: Exception) -> Unavailable:
        """Note that a delivery failed; what to raise."""
        if not isinstance(error, Unavailable):
            # Another package's mistake is no reason to lose a notice.
            error = Broken(f"{type(error).__name__}: {told(error)}")
        why, over = told(error), self._patience.failed(self.settings.give_up_after)
        deliveries.failed(delivery, why)
        if over is not None and (given_up := deliveries.give_up(self.name, *over, why)):
            self.log.error("given up, kept as dead letters", sink=self.name, deliveries=given_up, why=why)
        return error

    def _settle(self, deliveries: Deliveries, sink: Sink) -> None:
        """Write what has arrived. What could not be written is not delivered once more, only written."""
        self._settled_s = self.clock()
        if not self._unsettled:
            return
        try:
            sink.flush()
        except Exception as error:
            first, self._unsettled = self._unsettled[0], []
            raise self._failed(first, deliveries, error) from error
        self._patience.succeeded()
        deliveries.delivered(self._unsettled)
        self._unsettled, self.progressed = [], True

    def _waits_for_pictures(self, delivery: Delivery, deliveries: Deliveries, sink: Sink) -> bool:
        """Whether the pictures of an alarm may yet come."""
        if delivery.notice.what != "raised" or delivery.event_id is None or not sink.pictures_within_s:
            return False
        age_s = (self.wall() - datetime.fromisoformat(delivery.notice.at)).total_seconds()
        # An alarm of the future is of a clock that jumped.
        return 0.0 <= age_s < sink.pictures_within_s and not deliveries.pictures(delivery.event_id)


def told(error: BaseException) -> str:
    """An error in one line that may be kept and shown."""
    text = " ".join(redact_text(str(error)).split())
    return text if len(text) <= _LONGEST_ERROR else f"{text[:_LONGEST_ERROR]}..."
