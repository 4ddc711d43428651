"""Ballast: space on the disk that belongs to nobody, until an event must be written and there is no other."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

# Some thousand events with their deliveries.
BALLAST_BYTES = 4_000_000
# Of a small disk it takes no more than this share, and it is only taken where as much is left beside it.
_MOST_SHARE = 1 / 20


# With less than this nothing can be relied on: SQLite then also fails with other errors than that the disk is full.
_FULL_BYTES = 100_000


def space(folder: Path) -> tuple[float, float]:
    """Bytes free in a folder's file system, and of how many. Where that cannot be told, as many as anybody wants."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return 1e15, 1e15
    return float(found.f_bavail * found.f_frsize), float(found.f_blocks * found.f_frsize)


def is_full(folder: Path) -> bool:
    """Whether a folder's file system is as good as full."""
    return space(folder)[0] < _FULL_BYTES


class Ballast:
    """A file beside the event store, for one thread. Nothing of it raises: without it there is only less safety."""

    def __init__(self, store: Path, size: int = BALLAST_BYTES) -> None:
        self.path = store.with_name(f"{store.name}.ballast")
        self._size = size
        # Given away by us and not made again: then what is written is only what it was given away for.
        self.released = False

    def load(self) -> bool:
        """Make the file where there is space for it. Whether it is there now."""
        with suppress(OSError):
            free, disk = space(self.path.parent)
            size = min(self._size, int(disk * _MOST_SHARE))
            if not self._is_there(size):
                if free < 2 * size:
                    return False
                self._allocate(size)
            self.released = False
            return True
        return False

    def release(self) -> bool:
        """Give its space away. Whether there was any."""
        try:
            size = self.path.stat().st_size
            self.path.unlink()
        except OSError:
            return False
        self.released = True
        return size > 0

    def _is_there(self, size: int) -> bool:
        return self.path.exists() and self.path.stat().st_blocks * 512 >= size

    def _allocate(self, size: int) -> None:
        """Blocks of the disk, not a hole in a file."""
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(handle, 0, size)
            os.fsync(handle)
        except OSError:
            self.path.unlink(missing_ok=True)
            raise
        finally:
            os.close(handle)
