"""Retention: what has to go, in which order. Pure: it is told what there is, and says what to delete.

By age first; then, over `max_size`, the oldest files of near misses, then those of events, whatever they are. When the
disk is short, clips go first, then snapshots, then recorded scores and near misses, of each the oldest; an event's row
never does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from runtime.config.recording import RetentionSettings
from runtime.events.media import Kind, Medium
from runtime.moment import CLOCK_WAS_SET, iso

# Rows that can be deleted by their age: events, incidents and deliveries only when they are told to, and are over.
Table = Literal["scores", "near_misses", "events", "incidents", "deliveries"]
_SPARE: tuple[Table, ...] = ("scores", "near_misses")
# min_free is at most this share of the disk, or a small one would never hold anything.
MOST_FREE_SHARE = 1 / 20
# What is freed beyond what is wanted, so that not every clip has to ask again.
_MORE = 1.1
# Deleted rows leave their space in the database's file, to rows that come: enough of it is no reason to delete more.
_ROOM_FOR_ROWS = 32e6


@dataclass(frozen=True)
class Day:
    """The rows of a table of one day (2026-11-29, UTC) that can be deleted, and about how many bytes they take."""

    table: Table
    day: str
    rows: int
    bytes: float


@dataclass(frozen=True)
class Stock:
    """What there is. `media`, `days`: the oldest first. `database`: bytes in use in its file, `reusable`: those free
    within it. `free`, `disk`: bytes of the file system.
    """

    media: Sequence[Medium] = ()
    days: Sequence[Day] = ()
    database: float = 0.0
    reusable: float = 0.0
    free: float = 1e12
    disk: float = 1e12


@dataclass(frozen=True)
class Removal:
    """A file that has to go, and why: age, size or disk."""

    medium: Medium
    why: str


@dataclass(frozen=True)
class Cut:
    """Rows of a table that were written before a moment and not before another (ISO 8601, UTC); why they have to go."""

    table: Table
    before: str
    why: str
    since: str = ""


@dataclass(frozen=True)
class Plan:
    """What has to go, the first first. The files of events and near misses that go are among `files`."""

    files: tuple[Removal, ...] = ()
    cuts: tuple[Cut, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files or self.cuts)

    @property
    def bytes(self) -> int:
        """Of the files."""
        return sum(each.medium.bytes for each in self.files)


def wanted_free(settings: RetentionSettings, disk: float) -> float:
    """How many bytes of a disk of so many are to be free."""
    return min(settings.min_free, MOST_FREE_SHARE * disk)


def allows(kind: Kind, settings: RetentionSettings, free: float, disk: float) -> bool:
    """Whether a file of a kind may still be written: clips end at `min_free`, snapshots at half of it."""
    return free >= wanted_free(settings, disk) * (1.0 if kind == "clip" else 0.5)


def plan(stock: Stock, settings: RetentionSettings, now: datetime | None) -> Plan:
    """What has to go of `stock`; nothing by its age where `now` is None, and nobody knows what time it is."""
    files: dict[int, Removal] = {}
    cuts: dict[Table, Cut] = {}
    if now is not None:
        cuts = {cut.table: cut for cut in _by_age(settings, now)}
        files = {each.id: Removal(each, "age") for each in stock.media if _is_over_age(each, settings, now)}
    _by_size(stock, settings, files, cuts)
    _by_disk(stock, settings, files, cuts)
    return Plan(tuple(files.values()), tuple(cut for cut in cuts.values() if _holds(stock.days, cut)))


def _by_age(settings: RetentionSettings, now: datetime) -> Iterable[Cut]:
    ages: tuple[tuple[Table, float | None], ...] = (
        ("scores", settings.keep_scores),
        ("near_misses", settings.keep_near_misses),
        ("events", settings.keep_events),
        ("incidents", settings.keep_events),
        ("deliveries", settings.keep_events),
    )
    for table, age_s in ages:
        if age_s is not None:
            yield Cut(table, _ago(now, age_s), "age", CLOCK_WAS_SET)


def _is_over_age(medium: Medium, settings: RetentionSettings, now: datetime) -> bool:
    ages_s = [settings.keep_clips if medium.kind == "clip" else settings.keep_snapshots]
    if medium.near_miss_id is not None:
        ages_s.append(settings.keep_near_misses)
    elif settings.keep_events is not None:
        ages_s.append(settings.keep_events)
    return CLOCK_WAS_SET < medium.created_at < _ago(now, min(ages_s))


def _by_size(stock: Stock, settings: RetentionSettings, files: dict[int, Removal], cuts: dict[Table, Cut]) -> None:
    over = sum(each.bytes for each in _left(stock, files)) + stock.database - _cut_bytes(stock, cuts)
    over -= settings.max_size
    # Near misses are many: a month of them must not take the clip of what was true.
    for medium in sorted(_left(stock, files), key=_is_of_event):
        if over <= 0.0:
            return
        files[medium.id] = Removal(medium, "size")
        over -= medium.bytes
    for day in _spare_days(stock, cuts):
        if over <= 0.0:
            return
        _cut_off(cuts, day, "size")
        over -= day.bytes


def _by_disk(stock: Stock, settings: RetentionSettings, files: dict[int, Removal], cuts: dict[Table, Cut]) -> None:
    wanted = wanted_free(settings, stock.disk)
    free = stock.free + sum(each.medium.bytes for each in files.values())
    if free >= wanted:
        return
    for medium in sorted(_left(stock, files), key=lambda each: (each.kind != "clip", _is_of_event(each))):
        if free >= _MORE * wanted:
            return
        files[medium.id] = Removal(medium, "disk")
        free += medium.bytes
    room = stock.reusable + _cut_bytes(stock, cuts) + free
    for day in _spare_days(stock, cuts):
        if free >= wanted or room >= min(wanted, _ROOM_FOR_ROWS):
            return
        _cut_off(cuts, day, "disk")
        room += day.bytes


def _left(stock: Stock, files: dict[int, Removal]) -> list[Medium]:
    return [each for each in stock.media if each.id not in files]


def _is_of_event(medium: Medium) -> bool:
    return medium.near_miss_id is None


def _cut_off(cuts: dict[Table, Cut], day: Day, why: str) -> None:
    """The rows of a day have to go too, and all before it."""
    until = cuts[day.table].before if day.table in cuts else ""
    cuts[day.table] = Cut(day.table, max(until, _end_of(day.day)), why)


def _spare_days(stock: Stock, cuts: dict[Table, Cut]) -> list[Day]:
    """The days of spare rows that are left, in the order in which they go."""
    left = [day for day in stock.days if day.table in _SPARE and not _is_cut(day, cuts)]
    return sorted(left, key=lambda day: (day.table != "scores", day.day))


def _cut_bytes(stock: Stock, cuts: dict[Table, Cut]) -> float:
    return sum(day.bytes for day in stock.days if _is_cut(day, cuts))


def _is_cut(day: Day, cuts: dict[Table, Cut]) -> bool:
    return day.table in cuts and cuts[day.table].since <= day.day and _end_of(day.day) <= cuts[day.table].before


def _holds(days: Sequence[Day], cut: Cut) -> bool:
    return any(day.table == cut.table and cut.since <= day.day < cut.before for day in days)


def _ago(now: datetime, seconds: float) -> str:
    return iso(now - timedelta(seconds=seconds))


def _end_of(day: str) -> str:
    """The first moment after a day, as it compares with times in ISO 8601."""
    return (datetime.fromisoformat(day) + timedelta(days=1)).date().isoformat()
