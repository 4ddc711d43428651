"""The box itself: its clock, the disk for events, open files and memory."""

from __future__ import annotations

import ctypes
import resource
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from edge_resnet.hardware import memory_bytes
from runtime.checkup.item import Item, Verdict

_PART = "box"
# No clock that is right shows an earlier year: this was written then.
_EARLIEST_YEAR = 2026
_LATEST_YEAR = 2100
# What adjtimex answers for a clock that nobody keeps in step (TIME_ERROR in <sys/timex.h>).
_NOT_IN_STEP = 5
_TIMEX_BYTES = 512  # the kernel's struct has 208 on 64-bit systems
_TIMESYNCD = Path("/run/systemd/timesync/synchronized")
_MIB = 1 << 20
# The events of years take a few MiB; a full disk loses them.
_LITTLE_SPACE, _NO_SPACE = 1024 * _MIB, 64 * _MIB
# Python, OpenCV, an engine and its model; of each stream, sockets, decoder threads' event files and room to reconnect.
_FILES, _FILES_A_STREAM = 128, 16
# An engine with ResNet-50, and of each stream the decoder's frames: 25 MB were measured at 1080p H.264 with 2 threads,
# and a frame more for each core.
_MEMORY, _MEMORY_A_STREAM = 700 * _MIB, 60 * _MIB


def clock(now: datetime | None = None, in_step: bool | None = None) -> Item:
    """Whether the box's clock can be believed; both are asked of the system by default."""
    now = datetime.now(timezone.utc) if now is None else now
    shown = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    set_it = "keep it in step: sudo apt install systemd-timesyncd, or chrony"
    if not _EARLIEST_YEAR <= now.year <= _LATEST_YEAR:
        return Item(_PART, "clock", "problem", f"{shown}, which cannot be; events would carry this time", set_it)
    in_step = _clock_in_step() if in_step is None else in_step
    if not in_step:
        return Item(_PART, "clock", "warning", f"{shown}, not in step with any time server", set_it)
    return Item(_PART, "clock", "ok", f"{shown}, in step with a time server")


def disk(events: Path) -> Iterator[Item]:
    """Whether the file of events can be written, in WAL mode, and has space."""
    folder = events.absolute().parent
    while not folder.is_dir():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    verdict: Verdict = "problem" if free < _NO_SPACE else "warning" if free < _LITTLE_SPACE else "ok"
    advice = "" if verdict == "ok" else "make room there, or name another disk with --events"
    yield Item(_PART, "disk space", verdict, f"{_size(free)} free for {events}", advice)
    elsewhere = "name a file on a local disk that is yours to write with --events"
    try:
        mode = _journal_mode(folder)
    except (OSError, sqlite3.Error) as error:
        yield Item(_PART, "event store", "problem", f"{folder}: {error}", elsewhere)
        return
    if mode == "wal":
        yield Item(_PART, "event store", "ok", f"{folder} takes SQLite's write-ahead log")
    else:
        found = f"{folder} takes no write-ahead log (it stays in {mode} mode): reading disturbs writing"
        yield Item(_PART, "event store", "warning", found, elsewhere)


def open_files(streams: int, limit: int | None = None) -> Item:
    """Whether so many streams have files enough to open; the limit is the system's by default."""
    if limit is None:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return Item(_PART, "open files", "ok", "no limit")
    needed = _FILES + _FILES_A_STREAM * streams
    found = f"{limit} may be open, about {needed} are needed for {_count(streams)}"
    if limit < needed:
        advice = f"ulimit -n {max(4096, needed)}; of a service, LimitNOFILE={max(4096, needed)}"
        return Item(_PART, "open files", "problem", found, advice)
    return Item(_PART, "open files", "ok", found)


def memory(streams: int, total: int | None = None) -> Item:
    """Whether so many streams fit; the memory in bytes is the system's, or the container's, by default."""
    total = memory_bytes() if total is None else total
    needed = _MEMORY + _MEMORY_A_STREAM * streams
    found = f"{_size(total)}, about {_size(needed)} are needed for {_count(streams)}"
    if total < needed:
        return Item(_PART, "memory", "warning", found, "watch fewer cameras, or the smaller of their streams")
    return Item(_PART, "memory", "ok", found)


def _clock_in_step() -> bool:
    """Whether a time server keeps the clock in step, as the kernel was told by who does it (adjtimex(2))."""
    try:
        # All zero: nothing is to be changed, only told.
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):  # no Linux
        state = -1
    return 0 <= state < _NOT_IN_STEP or _TIMESYNCD.exists()


def _journal_mode(folder: Path) -> str:
    """The mode that SQLite gives a database in a folder when it is asked for WAL and has to use it."""
    with tempfile.TemporaryDirectory(prefix=".edge-resnet-doctor-", dir=folder) as trial:
        connection = sqlite3.connect(Path(trial) / "trial.sqlite")
        try:
            (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
            connection.execute("CREATE TABLE trial (number INTEGER)")
            connection.commit()
        finally:
            connection.close()
    return str(mode)


def _count(streams: int) -> str:
    return "1 stream" if streams == 1 else f"{streams} streams"


def _size(number: int) -> str:
    return f"{number / _MIB / 1024:.1f} GiB" if number >= 1024 * _MIB else f"{number // _MIB} MiB"
