"""The recorder: what the watch tells becomes snapshots and clips on other threads; the main thread only appends."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from edge_resnet.manifest import ModelSpec
from runtime.cameras.shot import Shot
from runtime.config.settings import WatchSettings
from runtime.events.event import Event
from runtime.events.near_miss import NearMiss
from runtime.judge import Target
from runtime.look import Look
from runtime.outputs.output import Output
from runtime.recording.archive import Archive, Room
from runtime.recording.desk import Desk, Inbox, Over, Raised, Shown
from runtime.recording.studio import Studio
from runtime.service.logs import Log
from runtime.sources.feed import Feeds

# Files are read as fast as they can be; the watch of files alone waits for their pictures to be made.
_PATIENCE_S = 1.0
# Of a target: something that flickers comes near again and again, and one picture tells what it is.
_NEAR_MISS_EVERY_S = 60.0
# At the end what is at hand is written, but nobody waits for ever.
_CLOSING_S = 30.0


class Recorder(Output):
    """Records what `settings` say, which may change at any time, into the folder beside `store`.

    `feeds`: the packets of cameras that are read by them. `files_only`: no camera is live, so that pictures are waited
    for rather than dropped. `clock`: what a live frame's time of capture is of.
    """

    def __init__(
        self,
        store: Path,
        model: ModelSpec,
        settings: Callable[[], WatchSettings],
        room: Room,
        log: Log,
        *,
        feeds: Feeds | None = None,
        files_only: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._log = settings, log
        self._patience_s = _PATIENCE_S if files_only else 0.0
        self._inbox, self._desk = Inbox(), Desk()
        self._studio = Studio(self._inbox, self._desk, settings, feeds or Feeds(), log, clock)
        self._archive = Archive(store, self._desk, model, settings, room, log)
        self._seen: dict[tuple[str, Target], NearMiss] = {}
        self._studio.start()
        self._archive.start()

    @property
    def dropped(self) -> Mapping[str, int]:
        """What was too much for this box or its disk, by kind; pictures of clips are `picture`."""
        return Counter(picture=self._inbox.dropped) + self._desk.dropped + self._archive.failed

    def judged(self, shot: Shot, look: Look) -> None:
        if self._settings().recording.clips and self._studio.wants(look.camera):
            self._inbox.put(shot, self._patience_s)

    def evidence(self, subject: Event | NearMiss, shot: Shot, look: Look) -> None:
        recording = self._settings().recording
        if isinstance(subject, Event) and recording.clips:
            # Of a live camera the tape's time is the clock's, of a file that of its stream.
            live = subject.raised_at is not None
            self._inbox.put(Raised(subject, shot.frame.captured_s - shot.frame.time_s if live else 0.0))
        if recording.snapshots and (isinstance(subject, Event) or (recording.near_misses and self._is_new(subject))):
            self._desk.put(Shown(subject, shot, look), self._patience_s)

    def _is_new(self, miss: NearMiss) -> bool:
        """Whether no near miss of its target was shown just before."""
        key = miss.camera, Target(miss.alarm, miss.zone)
        shown = self._seen.get(key)
        # In another run the camera's time begins anew.
        if shown is not None and shown.run == miss.run and miss.best_s - shown.best_s < _NEAR_MISS_EVERY_S:
            return False
        self._seen[key] = miss
        return True

    def event(self, event: Event) -> None:
        if event.ended_s is not None:
            self._inbox.put(Over(event))

    def close(self) -> None:
        until_s = time.monotonic() + _CLOSING_S
        self._inbox.close()
        self._studio.join(_CLOSING_S)
        self._desk.close()
        self._archive.join(max(0.0, until_s - time.monotonic()))
        if self._archive.is_alive():
            self._log.error("recordings that were not finished are lost")
        elif dropped := dict(self.dropped):
            self._log.warning("not all was recorded", dropped=dropped)
