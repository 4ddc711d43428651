"""A disk that fills up: what is recorded goes in the stated order, and no event ever does."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_resnet.errors import UserError
from runtime.config.recording import RecordingSettings, RetentionSettings
from runtime.events.event import Event
from runtime.events.media import Kind, Media, file_of
from runtime.events.patient import PatientStore
from runtime.events.purge import purge
from runtime.events.recovery import open_patiently
from runtime.events.store import EventStore
from runtime.outputs import clip
from runtime.recording.film import write_film
from runtime.recording.keeper import Keeper
from runtime.recording.reel import Picture
from runtime.recording.snapshot import encoded
from runtime.recording.take import Take
from runtime.service.lines import Lines
from tests.rig.mjpeg import MjpegCamera, grey
from tests.rig.stream import Stream
from tests.stand_ins import BRIGHT, DARK
from tests.unit.runtime.stored import NOW, event, miss, piece, put

# A twentieth of the disk, 0.8 MB, is to be free.
BOUNDS = RetentionSettings(keep_scores=366 * 86400.0)


class Filler:
    """A file of somebody else that grows."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "filler"

    def leave(self, free: int) -> None:
        """Fill the disk but for so many bytes."""
        space = os.statvfs(self._path.parent)
        there = self._path.stat().st_size if self._path.exists() else 0
        size = there + space.f_bavail * space.f_bsize - free
        with self._path.open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, size)

    def drop(self) -> None:
        self._path.unlink()


class Told:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, event: str, **fields: object) -> None:
        self.lines.append(f"{event} {fields}")


def record(store: Path, count: int) -> list[Event]:
    """Events with a clip of 600 kB and snapshots of 100 kB each, and scores of a megabyte."""
    events = [event(number / 100) for number in range(count, 0, -1)]
    with EventStore(store) as opened, opened.together():
        for each in events:
            opened.add(each)
        opened.add_scores([noisy(number) for number in range(300)])
    with closing(Media(store)) as media, media.transaction():
        for each in events:
            sizes: dict[Kind, int] = {"snapshot": 100_000, "heat": 100_000, "clip": 600_000}
            for kind, size in sizes.items():
                media.register(each, kind, put(file_of(store, each, kind), size))
    return events


def noisy(seed: int) -> Any:
    """Scores that do not pack well."""
    plain = piece(looks=100)
    values = np.random.default_rng(seed).random((100, 2)).tolist()
    looks = tuple(replace(look, probabilities=tuple(pair)) for look, pair in zip(plain.looks, values, strict=True))
    return replace(plain, looks=looks, created_at=f"2026-11-{1 + seed // 30:02}T00:00:00.000+00:00")


def left(store: Path) -> dict[str, int]:
    """How many files and rows there are of each kind."""
    with EventStore(store, read_only=True) as opened:
        media = opened.database.rows("SELECT kind, count(*) FROM media GROUP BY kind")
        rows = {name: opened.database.rows(f"SELECT count(*) FROM {name}")[0][0] for name in ("events", "scores")}
    return {**dict.fromkeys(("clip", "snapshot", "heat"), 0), **dict(media), **rows}


def test_what_is_recorded_goes_in_the_stated_order(evidence_disk: Path) -> None:
    store, filler = evidence_disk / "events.sqlite", Filler(evidence_disk)
    events = record(store, 8)
    seen = [left(store)]
    for _ in range(40):
        filler.leave(100_000)
        purge(store, BOUNDS, NOW)
        seen.append(left(store))
        if not seen[-1]["scores"]:
            break
    assert seen[0]["clip"] == 8
    for before, after in pairwise(seen):
        # Snapshots only when no clip is left, scores only when no snapshot is.
        assert after["snapshot"] + after["heat"] == before["snapshot"] + before["heat"] or after["clip"] == 0
        assert after["scores"] == before["scores"] or after["snapshot"] + after["heat"] + after["clip"] == 0
        # And no more than is needed: the next clip is still there.
        assert before["clip"] - after["clip"] <= 2
    # What is deleted of scores makes room within the file, which is enough.
    assert (seen[-1]["clip"], seen[-1]["snapshot"]) == (0, 0)
    with EventStore(store) as opened:
        assert opened.events() == events


def test_events_are_written_into_the_ballast_and_it_is_made_again(evidence_disk: Path) -> None:
    told, filler = Told(), Filler(evidence_disk)
    store = open_patiently(evidence_disk / "events.sqlite", told)
    assert store.ballast is not None
    assert store.ballast.path.stat().st_size > 500_000
    filler.leave(0)
    store.add_scores([noisy(1)] * 20)
    store.add_miss(miss())
    assert not store.ballast.released
    events = [event() for _ in range(100)]
    for each in events:
        store.add(each)
    assert store.unwritten == ""
    assert store.ballast.released
    assert any("scores and near misses are lost" in line for line in told.lines)
    assert any("kept free" in line for line in told.lines)
    with EventStore(store.store.path, read_only=True) as read:
        assert read.events() == events
        assert read.misses() == []
        assert read.database.rows("SELECT count(*) FROM scores") == [(0,)]
    filler.drop()
    store.flush()
    assert not store.ballast.released
    assert store.ballast.path.exists()
    store.close()


def test_a_disk_that_is_full_at_the_start_holds_up_nobody(evidence_disk: Path) -> None:
    told, filler, path = Told(), Filler(evidence_disk), evidence_disk / "events.sqlite"
    filler.leave(0)
    store = open_patiently(path, told)
    assert store.booked_until() == {}
    assert any("cannot be opened yet" in line for line in told.lines)
    seen = event()
    store.add(seen)
    assert "no space" in store.unwritten
    filler.drop()
    store.flush()
    assert store.unwritten == ""
    store.close()
    with EventStore(path) as read:
        assert read.events() == [seen]


def test_clips_give_way_to_a_store_that_cannot_even_be_opened(evidence_disk: Path) -> None:
    told, filler, path = Told(), Filler(evidence_disk), evidence_disk / "events.sqlite"
    known = record(path, 4)
    said: list[str] = []
    keeper = Keeper(path, lambda: BOUNDS, Lines(said.append))
    filler.leave(0)
    store = open_patiently(path, told, keeper.ask)
    seen = event()
    store.add(seen)
    keeper.start()
    until_s = time.monotonic() + 20.0
    while store.unwritten or store.opened is None:
        assert time.monotonic() < until_s, told.lines
        threading.Event().wait(0.05)
        store.flush()
    keeper.close()
    store.close()
    with EventStore(path) as read:
        assert read.events() == [*known, seen]


@pytest.mark.parametrize("with_pyav", [True, False])
def test_a_clip_that_has_no_space_is_not_there_at_all(
    evidence_disk: Path, with_pyav: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not with_pyav:
        monkeypatch.setattr(clip, "_pyav", lambda: None)
    filler, folder = Filler(evidence_disk), evidence_disk / "day"
    folder.mkdir()
    filler.leave(50_000)
    take = Take.of(event(raised_s=6.0), 0.0, RecordingSettings())
    pictures = np.random.default_rng(0).integers(0, 255, (40, 240, 320, 3)).astype(np.uint8)
    take.pictures = [Picture(number / 4, encoded(image, 90)) for number, image in enumerate(pictures)]
    with pytest.raises((UserError, OSError)) as caught:
        write_film(folder / "clip.mp4", take, 4.0, None)
    assert not isinstance(caught.value, OSError) or caught.value.errno == errno.ENOSPC
    assert list(folder.iterdir()) == []


def test_a_row_that_cannot_be_written_is_healed_when_there_is_space(evidence_disk: Path) -> None:
    path, filler = evidence_disk / "events.sqlite", Filler(evidence_disk)
    (known,) = record(path, 1)
    late = file_of(path, known, "heat")
    with closing(Media(path)) as media:
        media.forget(each for each in media.all() if each.path == late)
        filler.leave(0)
        with pytest.raises(UserError):
            for _ in range(200):
                media.register(known, "heat", late)
                media.run(
                    "INSERT INTO scores (run, camera, created_at, first_s, last_s, looks, body)"
                    " VALUES ('r', 'c', 'x', 0, 0, 0, zeroblob(100000))"
                )
    filler.drop()
    with closing(Media(path)) as media:
        media.run("DELETE FROM media WHERE kind = 'heat'")
        assert media.heal(NOW).registered == 1
        assert {each.kind for each in media.of(known.id)} == {"snapshot", "heat", "clip"}


def test_the_store_itself_is_whole_after_all_of_it(evidence_disk: Path) -> None:
    path, filler = evidence_disk / "events.sqlite", Filler(evidence_disk)
    store: PatientStore = open_patiently(path, Told())
    for number in range(10):
        filler.leave(0 if number % 2 else 2_000_000)
        for _ in range(30):
            store.add(event())
    filler.drop()
    store.flush()
    assert store.unwritten == ""
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (300,)


def test_a_watch_that_begins_on_a_full_disk_tells_its_alarms_and_writes_them_later(
    evidence_disk: Path, tmp_path: Path
) -> None:
    filler, events = Filler(evidence_disk), evidence_disk / "events.sqlite"
    filler.leave(0)
    brightness = [DARK]
    with MjpegCamera(grey(lambda number: brightness[0]), fps=20.0) as camera:
        rules = {"fire": {"window": "1 s", "quiet": "1 s", "cooldown": "1 s"}}
        cameras = {"yard": {"detect": camera.url(), "rate": "10/s"}}
        recording = {"pre_roll": "1 s", "post_roll": "1 s"}
        with Stream(tmp_path, cameras, "--events", str(events), alarms=rules, recording=recording) as stream:
            stream.until_looks("yard", 5)
            brightness[0] = BRIGHT
            stream.until(lambda: any(line["type"] == "event" for line in stream.lines))
            assert any("cannot be opened yet" in entry["event"] for entry in stream.log)
            assert not events.exists() or events.stat().st_size == 0
            filler.drop()
            brightness[0] = DARK
            stream.until(lambda: sum(line["type"] == "event" for line in stream.lines) == 2)
            assert stream.end() == 0
    with EventStore(events, read_only=True) as store:
        (seen,) = store.events()
        assert seen.ended_s is not None
        assert store.booked_until().keys() == {"here/yard"}
