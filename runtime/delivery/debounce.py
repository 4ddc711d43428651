"""When a camera that sees nothing is told to be down, and up again: most outages are over before anybody could get up.

    up --- blind for down_after ---> down, told --- live for up_after ---> up, told

A camera that is live again sooner was never down; one that is blind again sooner still is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace

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
    _over: list[Incident] = field(default_factory=list, init=False)

    def remember(self, told: Iterable[Notice]) -> None:
        """What an earlier run told to be down, and never to be up again; what cannot be read of it is left out."""
        for notice in told:
            with suppress(LookupError):
                incident = Incident(**{each.name: notice.body[each.name] for each in fields(Incident)})
                if isinstance(incident.evidence, Mapping):
                    self._told[notice.camera] = incident

    @property
    def told(self) -> tuple[str | None, ...]:
        """What was told to be down."""
        return tuple(self._told)

    def down(self, incident: Incident, since_s: float) -> None:
        """An incident began; what follows another without a break goes on since that one."""
        camera = incident.camera
        self._up.pop(camera, None)
        self._down[camera] = (incident, self._down[camera][1] if camera in self._down else since_s)

    def up(self, camera: str | None, at: str, since_s: float) -> None:
        """All is well since `since_s`; `at`: the same by the wall clock, UTC, ISO 8601."""
        self._down.pop(camera, None)
        self._up[camera] = (at, since_s)

    def pause(self, camera: str | None) -> None:
        """It is not watched for now: where it was told to be down, it still is."""
        self._down.pop(camera, None)
        self._up.pop(camera, None)

    def forget(self, camera: str | None, at: str) -> None:
        """It is not watched any more, and nobody will see it again: where it was told to be down, that is over `at`."""
        self.pause(camera)
        if (told := self._told.pop(camera, None)) is not None:
            self._over.append(replace(told, ended_at=at, evidence={**told.evidence, "over": "not watched any more"}))

    def look(self, now_s: float) -> list[Incident]:
        """What is to be told now: incidents, those that are over with their end."""
        over, self._over = self._over, []
        return [*over, *self._newly_down(now_s), *self._newly_up(now_s)]

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
