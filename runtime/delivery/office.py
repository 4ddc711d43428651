"""The post office of a watch: a courier for each sink, begun, changed, counted and closed by the main thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from edge_resnet.errors import UserError
from runtime.config.settings import WatchSettings
from runtime.config.sinks import SinkSettings
from runtime.delivery.courier import Courier, Errand
from runtime.delivery.route import route
from runtime.events.deliveries import Deliveries, Waiting
from runtime.events.notice import Notice
from runtime.service.logs import Log

# Counting what waits reads the disk; a person or Prometheus looks no oftener.
_COUNT_EVERY_S = 2.0
# A sink may be saying farewell.
_GRACE_S = 3.0


def watched(settings: WatchSettings, alarms: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The cameras by name, with the alarms that each is watched for. `alarms`: the bundle's."""
    everything = tuple(alarms)
    return {name: everything if camera.alarms is None else camera.alarms for name, camera in settings.cameras().items()}


class Office:
    """`cameras`: by name, the alarms that each is watched for. Its methods are for one thread, and none raises.

    `clock`: seconds that never jump.
    """

    def __init__(
        self,
        store: Path,
        sinks: Mapping[str, SinkSettings],
        cameras: Mapping[str, Sequence[str]],
        log: Log,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._sinks, self._cameras, self._log, self._clock = store, dict(sinks), dict(cameras), log, clock
        self._couriers: dict[str, Courier] = {}
        self._leaving: list[Courier] = []
        self._counted: dict[str, Waiting] = {}
        self._counted_s = float("-inf")
        # Whether something was committed since.
        self._rung = False

    def route(self, notice: Notice) -> Sequence[str]:
        """The sinks that a notice goes to: the journal's Route."""
        return route(self._sinks, notice)

    def start(self) -> None:
        """Begin to deliver, what an earlier run left over too."""
        for name in self._sinks:
            self._begin(name)
        self._tell_of_orphans()

    def ring(self) -> None:
        """Something was committed: deliver it now."""
        self._rung = True
        for courier in self._couriers.values():
            courier.ring()

    def change(self, sinks: Mapping[str, SinkSettings], cameras: Mapping[str, Sequence[str]]) -> None:
        """Deliver with other settings from now on; sinks that stay the same do not notice."""
        before = {name: Errand(settings, self._cameras) for name, settings in self._sinks.items()}
        self._sinks, self._cameras = dict(sinks), dict(cameras)
        for name in before:
            if name not in self._sinks:
                courier = self._couriers.pop(name)
                courier.close(self._clock())
                self._leaving.append(courier)
        for name, settings in self._sinks.items():
            if name not in before:
                self._begin(name)
            elif before[name] != (errand := Errand(settings, self._cameras)):
                self._couriers[name].exchange(errand)
        self._tell_of_orphans()

    def status(self) -> dict[str, Waiting]:
        """What each sink was not told; of sinks that are no longer configured too, where anything waits."""
        # Without a sink, and nothing left over, only what is committed can wait.
        changes = self._sinks or self._counted or self._rung
        if changes and self._clock() - self._counted_s >= _COUNT_EVERY_S:
            self._counted_s, self._rung = self._clock(), False
            self._counted = self._count()
        return {**{name: Waiting() for name in self._sinks}, **self._counted}

    def told_down(self) -> list[Notice]:
        """The cameras that were told to be down, and not yet to be up again."""
        try:
            with Deliveries(self._store, read_only=True) as deliveries:
                return deliveries.told_down()
        except UserError:
            return []

    def close(self, patience_s: float) -> None:
        """Deliver what can be within so many seconds, and end. What is left is delivered by the next run."""
        until_s = self._clock() + patience_s
        couriers = [*self._couriers.values(), *self._leaving]
        for courier in couriers:
            courier.close(until_s)
        for courier in couriers:
            if not courier.join(max(0.0, until_s + _GRACE_S - self._clock())):
                self._log.warning(f"sink {courier.name}: hangs, left behind")
        self._couriers, self._leaving = {}, []

    def _begin(self, name: str) -> None:
        self._leaving = [courier for courier in self._leaving if courier.thread.is_alive()]
        # One that left under this name may still be at its last notice: it comes twice rather than not at all.
        self._couriers[name] = Courier(
            name, Errand(self._sinks[name], self._cameras), self._store, self._log, self._clock
        )
        self._couriers[name].start()

    def _count(self) -> dict[str, Waiting]:
        try:
            with Deliveries(self._store, read_only=True) as deliveries:
                return deliveries.waiting()
        except UserError:
            # That the store cannot be read is told by whoever writes to it.
            return self._counted

    def _tell_of_orphans(self) -> None:
        self._counted = self._count()
        for name, waiting in self._counted.items():
            if waiting.pending and name not in self._sinks:
                text = f"sink {name}: no longer configured, its notices wait"
                self._log.warning(text, pending=waiting.pending, oldest=waiting.oldest_at)
