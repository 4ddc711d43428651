"""Arming: follows the mode that a person commands while the watch runs."""

from __future__ import annotations

from dataclasses import dataclass

from edge_resnet.errors import UserError
from runtime.assembly import Assembly
from runtime.events.mode import Command, commanded
from runtime.service.logs import Log


@dataclass
class Arming:
    """Looks which mode is commanded, and tells the assembly, whose cameras ask it at every look."""

    assembly: Assembly
    log: Log

    def look(self) -> None:
        """To be called by the main loop, and once before it."""
        try:
            command = commanded(self.assembly.store.store.database, self.assembly.wall())
        except UserError:
            # What was in force stays so; that the store cannot be read is told by who writes to it.
            return
        mode = None if command is None else command.mode
        if mode != self.assembly.mode:
            self.assembly.mode = mode
            self._tell(command)

    def _tell(self, command: Command | None) -> None:
        if command is None:
            self.log.info("modes follow the clock again")
        elif command.mode not in self.assembly.settings.modes:
            self.log.warning("unknown mode commanded, modes follow the clock", mode=command.mode)
        else:
            until = "taken back" if command.until is None else command.until.isoformat(timespec="minutes")
            self.log.info("mode commanded", mode=command.mode, until=until)
