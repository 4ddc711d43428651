"""Where in MQTT what stands: the topics of a box, and what its cameras and alarms are at now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from runtime.events.notice import Notice

ON, OFF = "ON", "OFF"
ONLINE, OFFLINE = "online", "offline"


@dataclass(frozen=True)
class Topics:
    """`prefix`: what all of them begin with."""

    prefix: str

    @property
    def status(self) -> str:
        """Whether the box is there: online or offline."""
        return f"{self.prefix}/status"

    @property
    def events(self) -> str:
        """Every notice, as JSON."""
        return f"{self.prefix}/events"

    def alarm(self, camera: str, alarm: str) -> str:
        """Whether an alarm of a camera is held: ON or OFF."""
        # A name at the front of which stands _ is none of an alarm.
        level = _level(alarm)
        return f"{self.prefix}/{_level(camera, '/')}/{f'%5F{level[1:]}' if level.startswith('_') else level}/state"

    def connectivity(self, camera: str) -> str:
        """Whether a camera sees: ON or OFF."""
        return f"{self.prefix}/{_level(camera, '/')}/_connection/state"


@dataclass
class States:
    """What is held, by what was told. An alarm is ON while any event of it is, in whatever zone."""

    _held: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    _down: set[str] = field(default_factory=set)

    def told(self, notice: Notice) -> None:
        """Take in what a notice says."""
        if notice.what == "summary":
            for folded in notice.body["notices"]:
                self._take(folded)
        else:
            self._take({"id": notice.id, "what": notice.what, "camera": notice.camera, "alarm": notice.alarm})

    def of(self, topics: Topics, cameras: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
        """The topic and the state of everything that is watched, and of what is held beside it."""
        watched = {(camera, alarm) for camera, alarms in cameras.items() for alarm in alarms}
        for camera, alarm in sorted(watched | {key for key, events in self._held.items() if events}):
            yield topics.alarm(camera, alarm), self._state(bool(self._held.get((camera, alarm))))
        for camera in sorted({*cameras, *self._down}):
            yield topics.connectivity(camera), self._state(camera not in self._down)

    def touched(self, notice: Notice, topics: Topics) -> list[tuple[str, str]]:
        """The topics and states of what a notice was about."""
        folded: Iterable[Mapping[str, Any]] = (
            notice.body["notices"]
            if notice.what == "summary"
            else [{"what": notice.what, "camera": notice.camera, "alarm": notice.alarm}]
        )
        states = {}
        for each in folded:
            camera, alarm = each["camera"], each["alarm"]
            if camera is not None and alarm is not None:
                states[topics.alarm(camera, alarm)] = self._state(bool(self._held.get((camera, alarm))))
            elif camera is not None and each["what"] in ("down", "up"):
                states[topics.connectivity(camera)] = self._state(camera not in self._down)
        return list(states.items())

    def _take(self, told: Mapping[str, Any]) -> None:
        camera, alarm, subject = told["camera"], told["alarm"], told["id"].partition(":")[0]
        if camera is None:
            return
        match told["what"]:
            case "raised":
                self._held.setdefault((camera, alarm), set()).add(subject)
            case "cleared":
                self._held.setdefault((camera, alarm), set()).discard(subject)
            case "down":
                self._down.add(camera)
            case "up":
                self._down.discard(camera)

    @staticmethod
    def _state(on: bool) -> str:
        return ON if on else OFF


def _level(name: str, separator: str = "") -> str:
    """A name in a topic: without wildcards, and each name another."""
    return quote(name, safe=separator)
