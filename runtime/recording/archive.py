"""The archive: a thread that writes snapshots and clips, whole or not at all, and registers them in the store."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Protocol

from edge_resnet import files
from edge_resnet.errors import UserError
from edge_resnet.manifest import ModelSpec
from runtime.cameras.shot import Undecodable
from runtime.config.settings import Polygon, WatchSettings
from runtime.events.event import Event
from runtime.events.media import Cut, Kind, Media, file_of
from runtime.events.near_miss import NearMiss
from runtime.recording.desk import Desk, Film, Shown
from runtime.recording.film import write_film
from runtime.recording.snapshot import encoded, explained
from runtime.service.logs import Log
from runtime.sources.packets import pyav


class Room(Protocol):
    """Who knows whether there is space on the disk; see keeper.py."""

    def allows(self, kind: Kind) -> bool:
        """Whether there is space for a file of a kind, now or after making some."""


class Archive(threading.Thread):
    """Does the jobs of `desk`. `written`, `failed`: files by kind; what failed is told, and nothing else happens."""

    def __init__(
        self, store: Path, desk: Desk, model: ModelSpec, settings: Callable[[], WatchSettings], room: Room, log: Log
    ) -> None:
        super().__init__(name="recording files", daemon=True)
        self._store, self._desk, self._model = store, desk, model
        self._settings, self._room, self._log = settings, room, log
        self._av = pyav()
        self.written: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()

    def run(self) -> None:
        while (job := self._desk.take()) is not None:
            if isinstance(job, Film):
                self._film(job)
            else:
                with suppress(Undecodable):
                    self._show(job)

    def _film(self, job: Film) -> None:
        self._write(job.take.event, "clip", lambda path: write_film(path, job.take, job.fps, self._av), job.take.cut)

    def _show(self, job: Shown) -> None:
        subject, image, quality = job.subject, job.shot.frame.image, self._settings().recording.quality

        def plain(path: Path) -> bool:
            files.write_bytes(path, encoded(image, quality))
            return True

        def heat(path: Path) -> bool:
            picture = explained(image, subject, job.look, self._model, self._polygon(subject))
            files.write_bytes(path, encoded(picture, quality))
            return True

        self._write(subject, "snapshot", plain)
        self._write(subject, "heat", heat)

    def _polygon(self, subject: Event | NearMiss) -> Polygon | None:
        camera = self._settings().cameras().get(subject.camera)
        zone = camera.zones.get(subject.zone) if camera is not None and subject.zone is not None else None
        return None if zone is None else zone.polygon

    def _write(
        self, subject: Event | NearMiss, kind: Kind, make: Callable[[Path], bool], cut: Cut | None = None
    ) -> None:
        """Make a file and register it. `cut`: why a clip ends before it should."""
        path = file_of(self._store, subject, kind)
        try:
            if not self._room.allows(kind):
                raise OSError("the disk is short of space")
            if not make(path):
                return
        # No picture and no library's mistake may ever end the recording of those that follow.
        except Exception as error:
            self.failed[kind] += 1
            self._log.error(f"no {kind} of what was seen", camera=subject.camera, reason=_why(error))
            return
        self.written[kind] += 1
        self._register(subject, kind, path, cut)

    def _register(self, subject: Event | NearMiss, kind: Kind, path: Path, cut: Cut | None) -> None:
        try:
            with closing(Media(self._store)) as media:
                media.register(subject, kind, path, cut)
        except (UserError, OSError) as error:
            # Its event may wait for space itself; retention registers the file when both are there.
            self._log.warning("a recording is registered later", reason=_why(error))


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, UserError | OSError) else f"{type(error).__name__}: {error}"
