"""SIGHUP: the configuration is read anew; only cameras that were added, removed or changed notice."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from edge_resnet.errors import UserError
from runtime.assembly import Assembly
from runtime.config.difference import difference
from runtime.config.settings import WatchSettings
from runtime.descriptors import Reserve
from runtime.life import Signals
from runtime.service.logs import Log
from runtime.service.notify import Systemd
from runtime.watch import Watch


@dataclass
class Reload:
    """Looks whether a reload was asked for, and does it. A file that is wrong changes nothing, and is told.

    `on_change`: called when the assembly has the new settings.
    """

    signals: Signals
    assembly: Assembly
    watch: Watch
    read: Callable[[], WatchSettings]
    systemd: Systemd
    log: Log
    on_change: Callable[[], None] = lambda: None
    _to_begin: list[str] = field(default_factory=list, init=False)
    _reserve: Reserve = field(default_factory=Reserve, init=False)

    def look(self) -> None:
        """To be called by the main loop."""
        if self._to_begin:
            self._begin()
        if not self.signals.reload:
            return
        self.signals.reload = False
        self.systemd.reloading()
        try:
            with self._reserve.released():
                settings = self.read()
            self._apply(settings)
        except UserError as error:
            self.log.error("not reloaded, the watch goes on as before", why=str(error))
        self.systemd.ready()

    def _apply(self, settings: WatchSettings) -> None:
        changes = difference(self.assembly.settings, settings)
        self.assembly.settings = settings
        begin = list(dict.fromkeys([*changes.added, *changes.changed, *self._watching_for(changes.alarms)]))
        for name in (*changes.removed, *begin):
            if name in self.watch.channels:
                self.watch.remove(name)
        # Only now: what the old channel has booked must be in the store, or the new one would book it once more.
        self._to_begin = begin
        self._begin()
        self.on_change()
        self.log.info(
            "reloaded",
            added=list(changes.added),
            removed=list(changes.removed),
            changed=[name for name in begin if name not in changes.added],
            after_a_restart=list(changes.restart),
        )

    def _begin(self) -> None:
        """Begin to watch what waits for it; what cannot be yet (the store is locked, say) is tried again."""
        waiting, self._to_begin = self._to_begin, []
        for name in waiting:
            try:
                self.watch.add(self.assembly.channel(name))
            except UserError as error:
                self._to_begin.append(name)
                self.log.error("camera cannot be watched yet", camera=name, reason=str(error))

    def _watching_for(self, alarms: Collection[str]) -> list[str]:
        """The cameras that watch for any of these alarms, whose rules are others now."""
        return [
            name
            for name, camera in self.assembly.settings.cameras().items()
            if any(camera.alarms is None or alarm in camera.alarms for alarm in alarms)
        ]
