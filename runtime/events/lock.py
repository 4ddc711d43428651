"""One watch an event store: a second would book the same time once more, and end the first one's incidents."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_resnet.errors import UserError


@contextmanager
def only_writer(store: Path) -> Iterator[None]:
    """While the block runs, no other watch writes to `store`. Raises UserError when one does already.

    The lock is on a file beside it, for SQLite's own locks would be lost with ours; the system lets go of it when the
    process ends, however it does. Readers are free.
    """
    beside = _beside(store)
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise UserError(f"{beside}: {error.strerror}; give --events a path that can be written") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(f"{store}: another watch writes there; end it, or give --events another file") from error
        yield
    finally:
        os.close(handle)


def is_written(store: Path) -> bool:
    """Whether a watch writes to `store` now."""
    try:
        handle = os.open(_beside(store), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _beside(store: Path) -> Path:
    return store.with_name(f"{store.name}.lock")
