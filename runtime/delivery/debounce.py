"""When a camera that sees nothing is told to be down, and up again: most outages are over before anybody could get up.

    up --- blind for down_after ---> down, told --- live for up_after ---> up, told

A camera that is live again sooner was never down; one that is blind again sooner still is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from runtime.events.incident import Incident
from runtime.events.notice import Notice

DOWN_AFTER_S = 30.0
UP_AFTER_S = 10.0


@dataclass
class Debounce:
    """Of each camera, by name, and of the box (None). Times are seconds of one clock that never jumps.

    Telling that it is up again is telling the end of the very incident that was told, with its id.
    """

    down_after_s: float = DOWN_AFTER_S
    up_after_s: float = UP_AFTER_S
    _down: dict[str | None, tuple[Incident, float]] = field(default_factory=dict, init=False)
    _up: dict[str | None, tuple[str, float]] = field(default_factory=dict, init=False)
    _told: dict[str | None, Incident] = field(default_factory=dict, init=False)

    def remember(self, told: Iterable[Notice]) -> None:
        """What an earlier run told to be down, and never to be up again."""
        for notice in told:
            self._told[notice.camera] = Incident(**notice.body)

    def down(self, incident: Incident, since_s: float) -> None:
        """An incident began; what follows another without a break goes on since that one."""
        camera = incident.camera
        self._up.pop(camera, None)
        self._down[camera] = (incident, self._down[camera][1] if camera in self._down else since_s)

    def up(self, camera: str | None, at: str, since_s: float) -> None:
        """All is well since `since_s`; `at`: the same by the wall clock, UTC, ISO 8601."""
        self._down.pop(camera, None)
        self._up[camera] = (at, since_s)

    def forget(self, camera: str | None) -> None:
        """It is not watched any more."""
        self._down.pop(camera, None)
        self._up.pop(camera, None)

    def look(self, now_s: float) -> list[Incident]:
        """What is to be told now: incidents, those of cameras that are up again with their end."""
        return [*self._newly_down(now_s), *self._newly_up(now_s)]

    def _newly_down(self, now_s: float) -> Iterator[Incident]:
        for camera, (incident, since_s) in self._down.items():
            if camera not in self._told and now_s - since_s >= self.down_after_s:
                self._told[camera] = incident
                yield incident

    def _newly_up(self, now_s: float) -> Iterator[Incident]:
        for camera, (at, since_s) in list(self._up.items()):
            if now_s - since_s >= self.up_after_s:
                del self._up[camera]
                if (told := self._told.pop(camera, None)) is not None:
                    yield replace(told, ended_at=at)
