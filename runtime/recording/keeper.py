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
# A clock that moves so far against the time that passes was set, and wrongly, perhaps: it is to hold for a day before
# anything is old by it.
_JUMP_S = 3600.0
_HOLDS_AFTER_S = 86400.0


def since_boot_s() -> float:
    """Seconds that nobody can set; where the system tells it, with the time that it slept."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Keeper(threading.Thread):
    """Keeps the store at `store` by `settings`, which may change. Whatever fails is told, and tried again."""

    def __init__(
        self,
        store: Path,
        settings: Callable[[], RetentionSettings],
        log: Log,
        wall: Callable[[], datetime] = utc_now,
        clock: Callable[[], float] = since_boot_s,
    ) -> None:
        super().__init__(name="retention", daemon=True)
        self._store, self._settings, self._log, self._wall, self._clock = store, settings, log, wall, clock
        self._begun = wall().timestamp() - clock()
        self._set_s = float("-inf")
        self._asked = threading.Event()
        self._ending = threading.Event()
        self._lock = threading.Lock()

    def ask(self) -> None:
        """There is no space: look at the disk now. Returns at once."""
        self._asked.set()

    def allows(self, kind: Kind) -> bool:
        """Whether there is space for a file of a kind, now or after making some. Not for the main thread."""
        if not may_write(kind, self._store, self._settings()):
            self.sweep()
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
                self.sweep()
            self._asked.wait(_DISK_EVERY_S)

    def sweep(self) -> None:
        """Delete now what has to go. Not for the main thread."""
        try:
            with self._lock:
                _, purged = purge(self._store, self._settings(), self._now())
        except UserError as error:
            self._log.error("retention failed, tried again", reason=str(error))
            return
        if purged.files["disk"]:
            self._log.warning("short of disk space, the oldest recordings are gone", files=purged.files["disk"])
        if purged.files or purged.rows:
            self._log.info("retention", files=dict(purged.files), bytes=purged.bytes, rows=dict(purged.rows))

    def _now(self) -> datetime | None:
        """The time; None while it cannot be trusted."""
        now, clock_s = self._wall(), self._clock()
        begun = now.timestamp() - clock_s
        if abs(begun - self._begun) > _JUMP_S:
            self._log.warning("the clock was set, so nothing is deleted by its age for a day", now=now.isoformat())
            self._set_s = clock_s
        self._begun = begun
        return None if clock_s - self._set_s < _HOLDS_AFTER_S else now

    def _heal(self) -> None:
        try:
            media = Media(self._store)
            try:
                with self._lock:
                    healed = media.heal(self._now())
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
