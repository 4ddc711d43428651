"""Lets the couriers of a watch know that something was committed, and tells of cameras that stay down."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.assembly import Assembly
from runtime.delivery.office import Office, watched
from runtime.events.event import Event
from runtime.incidents import Incidents
from runtime.outputs.output import Output


@dataclass
class Couriers(Output):
    """Rings at the `office`, and keeps it up with the configuration."""

    office: Office
    incidents: Incidents
    assembly: Assembly

    def start(self) -> None:
        """Begin to deliver, what an earlier run left over too."""
        self.incidents.debounce.remember(self.office.told_down())
        self._set()
        self.office.start()

    def event(self, event: Event) -> None:
        self.office.ring()

    def look_after(self) -> None:
        """To be called by the main loop."""
        if self.incidents.tell():
            self.office.ring()

    def change(self) -> None:
        """The configuration was read anew."""
        settings = self.assembly.settings
        self._set()
        self.office.change(settings.sinks, watched(settings, self.assembly.model.alarms))

    def _set(self) -> None:
        settings, debounce = self.assembly.settings, self.incidents.debounce
        debounce.down_after_s, debounce.up_after_s = settings.down_after, settings.up_after
        # Also of cameras that were removed while nothing ran.
        self.incidents.keep_only(settings.cameras())
