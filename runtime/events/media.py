"""Pictures and clips of events: where their files lie, their rows in the store, and how both are kept in step."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal, get_args

from runtime.events.database import Database
from runtime.events.event import Event
from runtime.events.near_miss import NearMiss
from runtime.moment import iso

# The picture of a look, the same with what speaks for the alarm drawn on it, a video.
Kind = Literal["snapshot", "heat", "clip"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# Why a clip ends before it should: the longest that is allowed, or more than can be gathered.
Cut = Literal["max_length", "size"]
SUFFIXES: dict[Kind, str] = {"snapshot": ".jpg", "heat": ".heat.jpg", "clip": ".mp4"}

# A file whose event is not in the store may belong to one that waits for a full disk to have space again.
ORPHANS_FOR = timedelta(days=1)
# So long a file may be in the making.
_UNFINISHED_FOR = timedelta(hours=1)
# Of a day that is over some clips may still be on their way.
_EMPTY_FOR = timedelta(days=2)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_FILE = re.compile(rf"({_ID})(\.jpg|\.heat\.jpg|\.mp4)")
_UNFINISHED = re.compile(rf"\.{_ID}(?:\.heat)?-\w+\.(?:jpg|mp4)")
_KIND_OF: dict[str, Kind] = {suffix: kind for kind, suffix in SUFFIXES.items()}

_INSERT = """
    INSERT INTO media (event_id, near_miss_id, kind, path, bytes, created_at, cut) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (path) DO UPDATE SET bytes = excluded.bytes, cut = excluded.cut
"""
_SELECT = "SELECT id, kind, path, bytes, created_at, event_id, near_miss_id, cut FROM media"


@dataclass(frozen=True)
class Medium:
    """A file of an event or of a near miss; one of the two ids is None. `created_at`: UTC, ISO 8601.

    `cut`: why a clip ends before it should; None where it does not, or nobody knows.
    """

    id: int
    kind: Kind
    path: Path
    bytes: int
    created_at: str
    event_id: str | None
    near_miss_id: str | None
    cut: Cut | None = None


@dataclass(frozen=True)
class Healed:
    """What was out of step: files that got their rows again, rows without a file, files that belong to nothing."""

    registered: int = 0
    rows: int = 0
    files: int = 0


def folder_of(store: Path) -> Path:
    """The folder for all files of a store, beside it."""
    return store.absolute().with_name(f"{store.stem}.media")


def file_of(store: Path, subject: Event | NearMiss, kind: Kind) -> Path:
    """Where a file of an event or a near miss lies: in a folder of the day on which its row was written."""
    return folder_of(store) / subject.created_at[:10] / f"{subject.id}{SUFFIXES[kind]}"


def found(store: Path) -> list[Medium]:
    """The files that are there, without their rows: numbered, the oldest first, nobody's."""
    stats = []
    for path, id, kind in _files(folder_of(store)):
        if id is not None and kind is not None:
            with suppress(OSError):
                stats.append((path.stat(), path, kind))
    stats.sort(key=lambda each: each[0].st_mtime)
    return [
        Medium(number, kind, path, stat.st_size, iso(_written(stat)), None, None)
        for number, (stat, path, kind) in enumerate(stats)
    ]


class Media(Database):
    """The rows of the files, for one thread. Raises what Database raises."""

    def register(self, subject: Event | NearMiss, kind: Kind, path: Path, cut: Cut | None = None) -> None:
        """Write that a file is there, of an event or a near miss that is in the store."""
        miss = isinstance(subject, NearMiss)
        ids = (None, subject.id) if miss else (subject.id, None)
        self.run(_INSERT, (*ids, kind, str(path), path.stat().st_size, subject.created_at, cut))

    def of(self, id: str) -> list[Medium]:
        """The files of an event or a near miss."""
        return self._select("WHERE event_id = ? OR near_miss_id = ?", id, id)

    def all(self) -> list[Medium]:
        """All files, the oldest first."""
        return self._select("")

    def forget(self, media: Iterable[Medium]) -> None:
        """Remove their rows."""
        self.run_each("DELETE FROM media WHERE id = ?", [(each.id,) for each in media])

    def heal(self, now: datetime | None) -> Healed:
        """Bring files and rows into step again, after a crash, a damaged store, or people who tidied up.

        `now`: None where nobody knows what time it is; then no file is old enough to be deleted.
        """
        rows = self.all()
        gone = [each for each in rows if not each.path.exists()]
        self.forget(gone)
        known = {each.path for each in rows}
        registered = removed = 0
        for path, id, kind in _files(folder_of(self.path)):
            if path in known:
                continue
            if id is not None and kind is not None and self._adopt(path, id, kind):
                registered += 1
            elif _is_old(path, now, ORPHANS_FOR if id is not None else _UNFINISHED_FOR):
                with suppress(OSError):
                    path.unlink()
                    removed += 1
        if now is not None:
            _remove_empty(folder_of(self.path), (now - _EMPTY_FOR).date().isoformat())
        return Healed(registered, len(gone), removed)

    def _adopt(self, path: Path, id: str, kind: Kind) -> bool:
        """Write the row of a file whose event or near miss is in the store. Whether it is."""
        for table, ids in (("events", (id, None)), ("near_misses", (None, id))):
            for (created_at,) in self.rows(f"SELECT created_at FROM {table} WHERE id = ?", (id,)):
                with suppress(FileNotFoundError):
                    self.run(_INSERT, (*ids, kind, str(path), path.stat().st_size, created_at, None))
                    return True
        return False

    def _select(self, where: str, *values: str) -> list[Medium]:
        rows = self.rows(f"{_SELECT} {where} ORDER BY created_at, id", values)
        return [Medium(id, kind, Path(path), *others) for id, kind, path, *others in rows]


def _files(folder: Path) -> Iterator[tuple[Path, str | None, Kind | None]]:
    """The files that are ours: with the id in their name and their kind, or None and None of one that is unfinished."""
    for day in _entries(folder):
        for path in _entries(day) if _DAY.fullmatch(day.name) else ():
            if found := _FILE.fullmatch(path.name):
                yield path, found[1], _KIND_OF[found[2]]
            elif _UNFINISHED.fullmatch(path.name):
                yield path, None, None


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _written(stat: os.stat_result) -> datetime:
    return datetime.fromtimestamp(stat.st_mtime, timezone.utc)


def _is_old(path: Path, now: datetime | None, age: timedelta) -> bool:
    try:
        return now is not None and now - _written(path.stat()) >= age
    except OSError:
        return False


def _remove_empty(folder: Path, before: str) -> None:
    """Remove the folders of days before one, where nothing is in them."""
    for day in _entries(folder):
        if _DAY.fullmatch(day.name) and day.name < before:
            with suppress(OSError):
                day.rmdir()
