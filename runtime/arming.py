"""What a person commands while the watch runs: the mode that is in force, and cameras to be looked at closely; and what
ends when an alarm is disarmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge_resnet.errors import UserError
from runtime.assembly import Assembly
from runtime.channel import Channel
from runtime.crier import Crier
from runtime.events.attendance import Attendance, attendances, end
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


@dataclass
class Disarming:
    """Ends what is held by alarms that are no longer armed, by the clock or by a command.

    A rule sees that at its next look; a camera that is offline has none, and its lamp would burn on.
    """

    channels: Mapping[str, Channel]
    crier: Crier

    def look(self) -> None:
        """To be called by the main loop."""
        for channel in self.channels.values():
            self.crier.tell(channel.rest())


@dataclass
class Attending:
    """Looks which cameras somebody wants to be looked at closely, and tells their channels until when.

    The wall clock is asked once, when an attendance is first seen: from then on it lasts on the clock of the watch, so
    that a wall clock which is set neither ends it nor keeps it up.
    """

    assembly: Assembly
    channels: Mapping[str, Channel]
    log: Log
    # On the clock of the watch.
    _until_s: dict[Attendance, float] = field(default_factory=dict, init=False)
    # Those whose end is written, or waits to be.
    _over: set[Attendance] = field(default_factory=set, init=False)

    def look(self) -> None:
        """To be called by the main loop."""
        try:
            asked = attendances(self.assembly.store.store.database)
        except UserError:
            # Those that are known end at their time all the same.
            return
        for gone in self._until_s.keys() - set(asked):
            del self._until_s[gone]
            self._over.discard(gone)
            # Unless it was asked for once more.
            if gone.camera not in {attendance.camera for attendance in asked}:
                self._release(gone.camera)
        for attendance in asked:
            self._follow(attendance)

    def _follow(self, attendance: Attendance) -> None:
        now_s = self.assembly.clock()
        channel = self.channels.get(attendance.camera)
        if attendance not in self._until_s:
            remaining_s = attendance.remaining_s(self.assembly.wall())
            self._until_s[attendance] = now_s + remaining_s
            # A watch that begins when it is over has nothing to tell but that.
            if remaining_s > 0.0:
                self._tell(attendance, channel)
        until_s = self._until_s[attendance]
        if now_s <= until_s:
            if channel is not None:
                # Again and again, for a reload may have put another in its place.
                channel.attend(until_s)
        elif attendance not in self._over:
            self._over.add(attendance)
            self.assembly.store.do(lambda store: end(store.database, attendance))

    def _release(self, camera: str) -> None:
        self.log.info("camera no longer attended", camera=camera)
        if (channel := self.channels.get(camera)) is not None:
            channel.attend(None)

    def _tell(self, attendance: Attendance, channel: Channel | None) -> None:
        if channel is None:
            self.log.warning("a camera is to be attended that is not watched", camera=attendance.camera)
        else:
            until = attendance.until.isoformat(timespec="seconds")
            self.log.info("camera attended", camera=attendance.camera, until=until)
