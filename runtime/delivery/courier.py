"""A courier: the thread of one sink. It waits for a ring, drains the queue, and nothing that fails there ends it."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edge_resnet.errors import UserError
from runtime.config.sinks import SinkSettings
from runtime.delivery.backoff import pause_s
from runtime.delivery.queue import Broken, Queue, told
from runtime.events.deliveries import Deliveries
from runtime.service.logs import Log
from runtime.sinks.registry import open_sink
from runtime.sinks.sink import Context, Sink, Unavailable


@dataclass(frozen=True)
class Errand:
    """What a courier serves. `cameras`: by name, the alarms that each is watched for."""

    settings: SinkSettings
    cameras: Mapping[str, Sequence[str]]


class Courier:
    """Delivers to one sink, in order. Its methods are for other threads, and wait for nothing but `join`.

    `clock`: seconds that never jump; `chance`: a number in 0..1, equally likely.
    """

    def __init__(
        self,
        name: str,
        errand: Errand,
        store: Path,
        log: Log,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self._errand, self._store, self._log = errand, store, log
        self._clock, self._chance = clock, chance
        self._bell, self._reachable = threading.Event(), threading.Event()
        self._until_s: float | None = None
        # What follows is of its own thread.
        self._serves: Errand | None = None
        self._queue = Queue(name, errand.settings, log, clock)
        self._sink: Sink | None = None
        self._deliveries: Deliveries | None = None
        self._file: tuple[int, int] | None = None
        self._failures, self._not_before_s = 0, clock()
        # A sink that hangs must not keep the process from ending.
        self.thread = threading.Thread(target=self._run, name=f"courier of {name}", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self.thread.start()

    def ring(self) -> None:
        """Something was committed."""
        self._bell.set()

    def reachable(self) -> None:
        """The sink can be told again: do not wait for the next attempt."""
        self._reachable.set()
        self._bell.set()

    def exchange(self, errand: Errand) -> None:
        """Serve with other settings from now on; what is being delivered is finished as it was begun."""
        self._errand = errand
        self._bell.set()

    def close(self, until_s: float) -> None:
        """Deliver what can be until that time of the clock, and end."""
        self._until_s = until_s
        self._bell.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; whether it came."""
        self.thread.join(timeout_s)
        return not self.thread.is_alive()

    def _run(self) -> None:
        while True:
            last = self._until_s is not None
            wait_s = self._turn(last)
            if last:
                break
            self._bell.wait(wait_s)
            self._bell.clear()
        self._close_sink()
        self._close_store()

    def _turn(self, last: bool) -> float:
        """Deliver what can be; how long to wait then, in seconds."""
        if self._reachable.is_set():
            self._reachable.clear()
            self._not_before_s = self._clock()
        try:
            if self._errand is not self._serves:
                self._take(self._errand)
            if not last and (early_s := self._not_before_s - self._clock()) > 0.0:
                return early_s
            wait_s = self._queue.drain(self._opened_store(), self._opened_sink(), self._goes_on, last)
            if self._failures and self._queue.progressed:
                self._log.info(f"sink {self.name}: delivers again")
            self._failures = 0
            return wait_s
        except Broken as error:
            self._close_sink()
            return self._failed(error, error.pause_s)
        except Unavailable as error:
            return self._failed(error, error.pause_s)
        except UserError as error:
            # The store: full, locked, moved away. That is nothing of the sink, and over at any moment.
            self._close_store()
            self._failures = max(1, self._failures)
            return self._put_off(error, pause_s(1, self._chance))
        except Exception as error:
            # A sink that cannot be made: a certificate that is not there, a package that is broken.
            self._close_sink()
            self._close_store()
            return self._failed(error)

    def _goes_on(self) -> bool:
        """Whether the next one is to be delivered by this sink."""
        if self._until_s is not None:
            return self._clock() < self._until_s
        return self._errand is self._serves

    def _failed(self, error: Exception, asked_s: float = 0.0) -> float:
        self._failures = 1 if self._queue.progressed else self._failures + 1
        return self._put_off(error, max(asked_s, pause_s(self._failures, self._chance)))

    def _put_off(self, error: Exception, wait_s: float) -> float:
        self._not_before_s = self._clock() + wait_s
        # Once a minute is told what repeats: of each sink by itself, hence its name in the message.
        self._log.warning(f"sink {self.name}: not delivered, tried again", reason=told(error) or type(error).__name__)
        return wait_s

    def _take(self, errand: Errand) -> None:
        """Serve with other settings; how many notices went is not forgotten unless it counts otherwise."""
        self._close_sink()
        if self._serves is not None and self._serves.settings != errand.settings:
            self._queue = Queue(self.name, errand.settings, self._log, self._clock)
            self._failures, self._not_before_s = 0, self._clock()
        self._serves = errand

    def _opened_store(self) -> Deliveries:
        """The deliveries, of the file that is there now: one that was damaged is moved aside and begun anew."""
        try:
            facts = self._store.stat()
        except OSError as error:
            self._close_store()
            raise UserError(f"{os.fspath(self._store)}: {error.strerror or error}") from error
        if self._file != (facts.st_dev, facts.st_ino):
            self._close_store()
        if self._deliveries is None:
            self._deliveries = Deliveries(self._store, tell=self._log.error)
            self._file = (facts.st_dev, facts.st_ino)
        return self._deliveries

    def _opened_sink(self) -> Sink:
        if self._sink is None:
            assert self._serves is not None
            standing = self._opened_store().standing(self.name)
            context = Context(self.name, self._serves.cameras, standing, self.reachable)
            self._sink = open_sink(self._serves.settings, context)
        return self._sink

    def _close_sink(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            try:
                sink.close()
            except Exception as error:
                self._log.warning(f"sink {self.name}: not closed", reason=told(error) or type(error).__name__)

    def _close_store(self) -> None:
        deliveries, self._deliveries, self._file = self._deliveries, None, None
        if deliveries is not None:
            with suppress(Exception):
                deliveries.close()
