"""Carries out what retention plans: files first, then their rows, so that a crash in between can be healed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from edge_resnet.errors import UserError
from runtime.config.recording import RetentionSettings
from runtime.events.ballast import space
from runtime.events.database import Full
from runtime.events.media import Kind, Media, folder_of, found
from runtime.events.retention import Cut, Day, Plan, Removal, Stock, Table, allows, plan

# The watch waits for the store while so many are deleted in one transaction.
_ROWS_AT_ONCE = 100
# What another row takes, about, with its indices, an event's with its deliveries.
_ROW_BYTES = 1000.0

# Which rows may go: what is not over, and what somebody has still to be told of, stays.
_OVER: dict[Table, str] = {
    "scores": "true",
    "near_misses": "true",
    "events": """ended_s IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event_id = events.id AND state = 'pending')""",
    "incidents": """ended_at IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM deliveries WHERE incident_id = incidents.id AND state = 'pending')""",
    # The others go with what they are of; these are summaries, or what they were of is lost.
    "deliveries": "event_id IS NULL AND incident_id IS NULL AND state != 'pending'",
}
_AGE_OF: dict[Table, str] = {table: "ended_at" if table == "incidents" else "created_at" for table in _OVER}
_OLD = {table: f"{_AGE_OF[table]} >= ? AND {_AGE_OF[table]} < ? AND {over}" for table, over in _OVER.items()}
_SCORE_BYTES = "SELECT coalesce(avg(length(body)), 0) FROM (SELECT body FROM scores ORDER BY id DESC LIMIT 100)"


@dataclass(frozen=True)
class Purged:
    """What went: files by why (age, size, disk), their bytes, and rows by table."""

    files: Counter[str]
    bytes: int
    rows: Counter[str]


def may_write(kind: Kind, store: Path, settings: RetentionSettings) -> bool:
    """Whether there is space for one more file of a kind."""
    return allows(kind, settings, *space(store.parent))


def take_stock(media: Media) -> Stock:
    """What there is."""
    pragmas = ("page_size", "page_count", "freelist_count")
    page, pages, unused = (media.rows(f"PRAGMA {name}")[0][0] for name in pragmas)
    free, disk = space(media.path.parent)
    ((score_bytes,),) = media.rows(_SCORE_BYTES)
    return Stock(
        media=media.all(),
        days=[day for table in _OVER for day in _days(media, table, score_bytes if table == "scores" else _ROW_BYTES)],
        database=float(page * (pages - unused)),
        reusable=float(page * unused),
        free=free,
        disk=disk,
    )


def purge(store: Path, settings: RetentionSettings, now: datetime | None, dry_run: bool = False) -> tuple[Plan, Purged]:
    """Delete what has to go; with `dry_run`, nothing. What was planned, and what went. Raises UserError.

    `now`: None where nobody knows what time it is; then nothing goes by its age.
    """
    try:
        media = Media(store)
    except UserError:
        free, disk = space(store.parent)
        if dry_run or allows("clip", settings, free, disk):
            raise
        # The disk may be so full that the store cannot even be opened; its files can be deleted all the same.
        planned = plan(Stock(media=found(store), free=free, disk=disk), settings, now)
        return planned, Purged(_unlink(planned.files, store), planned.bytes, Counter())
    try:
        planned = plan(take_stock(media), settings, now)
        return planned, _foretold(planned, media) if dry_run else carry_out(planned, media)
    finally:
        media.close()


def carry_out(planned: Plan, media: Media) -> Purged:
    """Delete what is planned. Raises UserError where rows cannot be deleted; files are, all the same."""
    removed = _unlink(planned.files, media.path)
    # On a full disk not even this can be written; what is then left of rows is healed later.
    with suppress(Full):
        _forget(planned.files, media)
    rows: Counter[str] = Counter()
    for cut in planned.cuts:
        rows[cut.table] = _cut(cut, media)
    return Purged(removed, planned.bytes, +rows)


def _foretold(planned: Plan, media: Media) -> Purged:
    """What would go."""
    rows: Counter[str] = Counter()
    for cut in planned.cuts:
        old = f"SELECT count(*) FROM {cut.table} WHERE {_OLD[cut.table]}"
        ((count,),) = media.rows(old, (cut.since, cut.before))
        rows[cut.table] = max(rows[cut.table], count)
    return Purged(Counter(each.why for each in planned.files), planned.bytes, +rows)


def _delete(table: Table) -> str:
    return f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {_OLD[table]} LIMIT ?)"


def _days(media: Media, table: Table, row_bytes: float) -> list[Day]:
    day = f"substr({_AGE_OF[table]}, 1, 10)"
    rows = media.rows(f"SELECT {day}, count(*) FROM {table} WHERE {_OVER[table]} GROUP BY 1 ORDER BY 1")
    return [Day(table, day, count, count * row_bytes) for day, count in rows]


def _unlink(files: Iterable[Removal], store: Path) -> Counter[str]:
    """Delete files; how many, by why."""
    folder, removed = folder_of(store), Counter[str]()
    for removal in files:
        # A store that was copied names the files of another, which are not ours to delete.
        if removal.medium.path.is_relative_to(folder):
            with suppress(OSError):
                removal.medium.path.unlink()
        removed[removal.why] += 1
    return removed


def _forget(files: Sequence[Removal], media: Media) -> None:
    for some in _in_parts(files):
        with media.transaction():
            media.forget(each.medium for each in some)


def _in_parts(files: Sequence[Removal]) -> Iterable[list[Removal]]:
    rest = iter(files)
    while some := list(islice(rest, _ROWS_AT_ONCE)):
        yield some


def _cut(cut: Cut, media: Media) -> int:
    """Delete rows, some at a time; how many went. On a full disk as few as there is space to tell of. Raises Full."""
    total, at_once = 0, _ROWS_AT_ONCE
    while True:
        try:
            count = media.run(_delete(cut.table), (cut.since, cut.before, at_once)).rowcount
        except Full:
            if at_once == 1:
                raise
            at_once = max(1, at_once // 10)
            _keep_log_short(media)
            continue
        if not count:
            return total
        total += count


def _keep_log_short(media: Media) -> None:
    """Put into its place what SQLite's log holds, now and as soon as it holds a little: else it takes what is left."""
    with suppress(UserError):
        media.run("PRAGMA wal_autocheckpoint = 4")
        media.run("PRAGMA wal_checkpoint(TRUNCATE)")
