"""What has to go: by age, by size, for the disk; in this order and no more of it than is needed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_resnet.errors import UserError
from runtime.config.recording import RetentionSettings
from runtime.events import purge as purging
from runtime.events.incident import Incident
from runtime.events.media import Kind, Media, Medium, file_of
from runtime.events.near_miss import NearMiss
from runtime.events.notice import Notice
from runtime.events.outbox import post
from runtime.events.purge import purge
from runtime.events.retention import Cut, Day, Plan, Stock, allows, plan, wanted_free
from runtime.events.store import EventStore
from tests.unit.runtime.notices import raised
from tests.unit.runtime.stored import NOW, at, event, miss, piece, put

KEEP_ALL = dict.fromkeys(("keep_clips", "keep_snapshots", "keep_scores", "keep_near_misses"), 366 * 86400.0)
MB = 1e6


def settings(**changed: Any) -> RetentionSettings:
    return RetentionSettings(**{**KEEP_ALL, "max_size": 1e15, "min_free": 10 * MB, **changed})


def media(*kinds: Kind, size: int = 1_000_000, near_miss: bool = False) -> list[Medium]:
    """Files of so many bytes, the first the oldest, a day apart."""
    ids = (None, "m") if near_miss else ("e", None)
    days = range(len(kinds), 0, -1)
    return [
        Medium(number, kind, Path(f"{number}"), size, at(day), *ids)
        for number, (kind, day) in enumerate(zip(kinds, days, strict=True))
    ]


def gone(planned: Plan) -> list[int]:
    return [removal.medium.id for removal in planned.files]


def test_what_is_in_bounds_stays() -> None:
    assert not plan(Stock(media=media("clip", "snapshot", "heat")), settings(), NOW)


def test_each_kind_goes_at_its_own_age() -> None:
    stock = Stock(media=[each for kind in ("clip", "snapshot", "heat") for each in media(kind, kind, kind)])
    stock = replace(stock, media=[replace(each, id=number) for number, each in enumerate(stock.media)])
    planned = plan(stock, settings(keep_clips=2.5 * 86400, keep_snapshots=1.5 * 86400), NOW)
    assert gone(planned) == [0, 3, 4, 6, 7]
    assert {removal.why for removal in planned.files} == {"age"}


def test_the_files_of_near_misses_go_with_them() -> None:
    stock = Stock(
        media=media("snapshot", "snapshot", near_miss=True), days=[Day("near_misses", "2026-11-27", 1, 1000.0)]
    )
    planned = plan(stock, settings(keep_near_misses=1.5 * 86400), NOW)
    assert gone(planned) == [0]
    assert planned.cuts == (Cut("near_misses", at(1.5), "age", "2020"),)


def test_events_go_only_when_that_was_set() -> None:
    days = [Day("events", "2026-01-01", 1, 1000.0)]
    assert plan(Stock(days=days), settings(), NOW).cuts == ()
    assert plan(Stock(days=days), settings(keep_events=86400.0), NOW).cuts == (Cut("events", at(1.0), "age", "2020"),)


def test_what_was_written_before_the_clock_was_set_has_no_age() -> None:
    (medium,) = media("clip")
    assert not plan(Stock(media=[replace(medium, created_at="1970-01-01T00:00:10.000+00:00")]), settings(), NOW)


def test_without_a_clock_nothing_has_an_age() -> None:
    stock = Stock(media=media("clip"), days=[Day("scores", "2026-01-01", 9, 1 * MB)])
    bounds = settings(keep_clips=3600.0, keep_scores=3600.0)
    assert not plan(stock, bounds, None)
    assert plan(stock, bounds, NOW)


def test_rows_without_an_age_go_for_their_size_with_those_that_are_old() -> None:
    days = [Day("scores", f"{day}", 9, 1 * MB) for day in ("1970-01-01", "2026-11-02", "2026-11-03")]
    bounds = settings(max_size=1.5 * MB, keep_scores=26.5 * 86400)
    assert plan(Stock(days=days, database=2 * MB), bounds, NOW).cuts == (Cut("scores", at(26.5), "age", "2020"),)
    assert plan(Stock(days=days, database=3 * MB), bounds, NOW).cuts == (Cut("scores", at(26.5), "size"),)


def test_over_the_size_the_files_of_near_misses_go_before_those_of_events() -> None:
    of_events = media("snapshot", "clip", "heat", "clip")
    of_misses = [replace(each, id=each.id + 4) for each in media("snapshot", "heat", near_miss=True)]
    stock = Stock(media=sorted([*of_events, *of_misses], key=lambda each: each.created_at), database=1 * MB)
    assert gone(plan(stock, settings(max_size=5.5 * MB), NOW)) == [4, 5]
    planned = plan(stock, settings(max_size=3.5 * MB), NOW)
    assert gone(planned) == [4, 5, 0, 1]
    assert {removal.why for removal in planned.files} == {"size"}


def test_a_short_disk_takes_the_snapshots_of_near_misses_before_those_of_events() -> None:
    of_misses = [replace(each, id=9) for each in media("snapshot", size=4_000_000, near_miss=True)]
    stock = Stock(media=[*media("snapshot", "clip", size=4_000_000), *of_misses], free=4 * MB, disk=1e12)
    assert gone(plan(stock, settings(), NOW)) == [1, 9]


def test_over_the_size_without_files_the_oldest_scores_go_then_near_misses() -> None:
    days = [Day("near_misses", "2026-11-01", 9, 1 * MB)] + [
        Day("scores", f"2026-11-0{day}", 9, 1 * MB) for day in (3, 4, 5)
    ]
    stock = Stock(media=media("clip"), days=days, database=5 * MB)
    assert plan(stock, settings(max_size=3 * MB), NOW).cuts == (Cut("scores", "2026-11-05", "size"),)
    assert plan(stock, settings(max_size=1.5 * MB), NOW).cuts == (
        Cut("scores", "2026-11-06", "size"),
        Cut("near_misses", "2026-11-02", "size"),
    )


def short(free: float, *kinds: Kind, days: Sequence[Day] = (), reusable: float = 0.0) -> Plan:
    """What goes when only so much is free of the 10 MB that are wanted."""
    stock = Stock(media=media(*kinds, size=4_000_000), days=days, free=free, disk=1e12, reusable=reusable)
    return plan(stock, settings(), NOW)


def test_a_short_disk_takes_the_oldest_clips_first() -> None:
    assert gone(short(8 * MB, "snapshot", "clip", "heat", "clip")) == [1]
    assert gone(short(3 * MB, "snapshot", "clip", "heat", "clip")) == [1, 3]


def test_then_snapshots() -> None:
    assert gone(short(0.0, "snapshot", "clip", "heat", "clip")) == [1, 3, 0]


SCORES = [Day("scores", "2026-11-03", 9, 6 * MB), Day("scores", "2026-11-04", 9, 6 * MB)]
MISSES = [Day("near_misses", "2026-11-01", 9, 1 * MB)]


def test_then_scores_then_near_misses_and_no_more_than_makes_room_for_rows() -> None:
    assert short(0.0, "clip", days=[*SCORES, *MISSES]).cuts == (Cut("scores", "2026-11-04", "disk"),)
    assert short(0.0, days=[*SCORES, *MISSES]).cuts == (Cut("scores", "2026-11-05", "disk"),)
    less = [replace(day, bytes=1 * MB) for day in SCORES]
    assert short(0.0, days=[*less, *MISSES]).cuts == (
        Cut("scores", "2026-11-05", "disk"),
        Cut("near_misses", "2026-11-02", "disk"),
    )


def test_rows_stay_while_there_is_room_for_new_ones_within_the_file() -> None:
    assert short(0.0, days=SCORES, reusable=10 * MB).cuts == ()


def test_never_an_event() -> None:
    planned = short(0.0, "clip", "snapshot", days=[Day("events", "2026-11-01", 9, 50 * MB)])
    assert planned.cuts == ()


def test_new_files_end_in_the_same_order() -> None:
    bounds = settings(min_free=1e9)
    order = [(allows("clip", bounds, free, 1e12), allows("snapshot", bounds, free, 1e12)) for free in (1e9, 6e8, 4e8)]
    assert order == [(True, True), (False, True), (False, False)]


def test_of_a_small_disk_a_twentieth_is_enough() -> None:
    assert wanted_free(settings(min_free=1e9), 8e6) == pytest.approx(4e5)


# With a store and files.


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Events and near misses of ten days, each with its files, and scores."""
    path = tmp_path / "events.sqlite"
    subjects = [each for day in range(10) for each in (event(day), miss(day))]
    with EventStore(path) as opened, opened.together():
        for subject in subjects:
            if isinstance(subject, NearMiss):
                opened.add_miss(subject)
            else:
                opened.add(subject)
        for day in range(10):
            opened.add_scores([piece(day)] * 150)
    with closing(Media(path)) as files, files.transaction():
        for subject in subjects:
            kinds: tuple[Kind, ...] = ("snapshot",) if isinstance(subject, NearMiss) else ("snapshot", "heat", "clip")
            for kind in kinds:
                files.register(subject, kind, put(file_of(path, subject, kind), 100))
    return path


def left(store: Path) -> dict[str, int]:
    """How many rows and files there are; rows and files of media are the same."""
    with EventStore(store) as opened, closing(Media(store)) as files:
        rows = {
            name: opened.database.rows(f"SELECT count(*) FROM {name}")[0][0]
            for name in ("events", "near_misses", "scores")
        }
        known = {each.path for each in files.all()}
    there = set((store.parent / "events.media").rglob("*.jpg")) | set((store.parent / "events.media").rglob("*.mp4"))
    assert known == there
    return {**rows, "files": len(there)}


ALL = {"events": 10, "near_misses": 10, "scores": 1500, "files": 40}


def test_a_dry_run_tells_and_deletes_nothing(store: Path) -> None:
    planned, purged = purge(store, settings(keep_clips=5.5 * 86400), NOW, dry_run=True)
    assert (len(planned.files), planned.bytes, purged.bytes) == (4, 400, 400)
    assert left(store) == ALL


def test_what_is_over_age_goes_with_its_rows_and_files(store: Path) -> None:
    bounds = settings(keep_clips=5.5 * 86400, keep_scores=2.5 * 86400, keep_near_misses=8.5 * 86400)
    _, purged = purge(store, bounds, NOW)
    assert purged.files == {"age": 4 + 1}
    assert purged.rows == {"scores": 7 * 150, "near_misses": 1}
    assert left(store) == {"events": 10, "near_misses": 9, "scores": 450, "files": 35}


def test_an_event_that_somebody_has_still_to_be_told_of_stays(store: Path) -> None:
    waiting, held = event(20), event(20, ended_s=None)
    with EventStore(store) as opened:
        opened.add(waiting, raised(replace(waiting, ended_s=None)), ["phone"])
        opened.add(held)
    purge(store, settings(keep_events=5.5 * 86400), NOW)
    with EventStore(store) as opened:
        assert [each.id for each in opened.events()][:2] == [waiting.id, held.id]
    assert left(store)["events"] == 6 + 2


def test_rows_of_before_the_clock_was_set_are_not_deleted_by_their_age(store: Path) -> None:
    early = event(created_at="1970-01-01T00:03:00.000+00:00")
    with EventStore(store) as opened:
        opened.add(early)
        opened.add_scores([replace(piece(), created_at=early.created_at)])
    purge(store, settings(keep_events=5.5 * 86400, keep_scores=5.5 * 86400), NOW)
    with EventStore(store) as opened:
        assert opened.find(early.id) == [early]
    assert (left(store)["events"], left(store)["scores"]) == (6 + 1, 6 * 150 + 1)


def test_incidents_and_what_was_told_of_none_grow_no_further_than_events(store: Path) -> None:
    incidents = [
        Incident(f"{number}", "yard", "offline", at(20), ended_at, {})
        for number, ended_at in enumerate((at(10), at(10), at(1), None))
    ]
    summary = Notice("s", "summary", None, None, "warning", at(20), {})
    with EventStore(store) as opened, opened.together():
        for each in incidents:
            opened.open_incident(each)
            opened.tell_of(each, Notice.of_incident(replace(each, ended_at=None), at(20)), ["phone"])
        opened.database.run("UPDATE deliveries SET state = 'delivered' WHERE incident_id != '1'")
        for state in ("delivered", "dead", "pending"):
            post(opened.database, replace(summary, id=state), ["phone"], event_id=None, incident_id=None)
            opened.database.run("UPDATE deliveries SET state = ? WHERE notice_id = ?", (state, state))
    _, purged = purge(store, settings(keep_events=5.5 * 86400), NOW)
    assert purged.rows == {"events": 4, "incidents": 1, "deliveries": 2}
    with EventStore(store) as opened:
        # Of the one somebody has still to be told, the others are not so old, or last.
        assert [each.id for each in opened.incidents()] == ["1", "2", "3"]
        told = opened.database.rows("SELECT notice_id FROM deliveries ORDER BY id")
    assert told == [("1:down",), ("2:down",), ("3:down",), ("pending",)]


def test_the_files_of_another_store_are_not_deleted(store: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "events.sqlite"
    copy.parent.mkdir()
    copy.write_bytes(store.read_bytes())
    purge(copy, settings(keep_clips=5.5 * 86400), NOW)
    assert len(list(store.parent.joinpath("events.media").rglob("*.mp4"))) == 10


def test_a_full_disk_frees_files_though_the_store_cannot_be_opened(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> Media:
        raise UserError("no space left")

    monkeypatch.setattr(purging, "Media", refuse)
    with pytest.raises(UserError):
        purge(store, settings(), NOW)
    monkeypatch.setattr(purging, "space", lambda folder: (0.0, 1e12))
    for number, path in enumerate(sorted((store.parent / "events.media").rglob("*.mp4"))):
        os.utime(path, (number, number))
    purge(store, settings(min_free=700.0), NOW)
    names = [path.parent.name for path in sorted((store.parent / "events.media").rglob("*.mp4"))]
    assert names == ["2026-11-28", "2026-11-29"]
    assert len(list((store.parent / "events.media").rglob("*.jpg"))) == 30
