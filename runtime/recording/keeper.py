"""The keeper: a thread that sees to it that what is recorded stays within its bounds of age, size and disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from edge_resnet.errors import UserError
from runtime.config.recording import RetentionSettings
from runtime.events.journal import utc_now
from runtime.events.media import Kind, Media
from runtime.events.purge import may_write, purge
from runtime.service.logs import Log

# The disk may be filled by anybody; ages and sizes change slowly, and to look at all of them takes longer.
_DISK_EVERY_S = 10.0
_ALL_EVERY_S = 600.0
_HEAL_EVERY_S = 3600.0


class Keeper(threading.Thread):
    """Keeps the store at `store` by `settings`, which may change. Whatever fails is told, and tried again."""

    def __init__(
        self,
        store: Path,
        settings: Callable[[], RetentionSettings],
        log: Log,
        wall: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__(name="retention", daemon=True)
        self._store, self._settings, self._log, self._wall = store, settings, log, wall
        self._asked = threading.Event()
        self._ending = threading.Event()
        self._lock = threading.Lock()

    def ask(self) -> None:
        """There is no space: look at the disk now. Returns at once."""
        self._asked.set()

    def allows(self, kind: Kind) -> bool:
        """Whether there is space for a file of a kind, now or after making some. Not for the main thread."""
        if not may_write(kind, self._store, self._settings()):
            self._sweep()
        return may_write(kind, self._store, self._settings())

    def close(self) -> None:
        """End the thread."""
        self._ending.set()
        self._asked.set()
        if self.is_alive():
            self.join(timeout=5.0)

    def run(self) -> None:
        swept_s = healed_s = float("-inf")
        while not self._ending.is_set():
            self._asked.clear()
            now_s = time.monotonic()
            if now_s - healed_s >= _HEAL_EVERY_S:
                healed_s = now_s
                self._heal()
            if now_s - swept_s >= _ALL_EVERY_S or not may_write("clip", self._store, self._settings()):
                swept_s = now_s
                self._sweep()
            self._asked.wait(_DISK_EVERY_S)

    def _sweep(self) -> None:
        try:
            with self._lock:
                _, purged = purge(self._store, self._settings(), self._wall())
        except UserError as error:
            self._log.error("retention failed, tried again", reason=str(error))
            return
        if purged.files["disk"]:
            self._log.warning("short of disk space, the oldest recordings are gone", files=purged.files["disk"])
        if purged.files or purged.rows:
            self._log.info("retention", files=dict(purged.files), bytes=purged.bytes, rows=dict(purged.rows))

    def _heal(self) -> None:
        try:
            media = Media(self._store)
            try:
                healed = media.heal(self._wall())
            finally:
                media.close()
        except UserError as error:
            self._log.error("retention failed, tried again", reason=str(error))
            return
        if healed.registered or healed.rows or healed.files:
            self._log.info(
                "recordings and their rows are in step again",
                registered=healed.registered,
                rows_without_a_file=healed.rows,
                files_of_nothing=healed.files,
            )
