"""The keeper: retention on a thread of its own, at once when it is asked."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runtime.config.recording import RetentionSettings
from runtime.events import purge
from runtime.events.media import Kind, Media, file_of
from runtime.events.store import EventStore
from runtime.recording import keeper as keeping
from runtime.recording.keeper import Keeper
from runtime.service.lines import Lines
from tests.unit.runtime.stored import NOW, event, put


class Yard:
    """A store with clips of some days, and a disk whose space the test decides."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store, self.said = folder / "events.sqlite", list[str]()
        self.free = 1e12
        self.settings = RetentionSettings(min_free=1e6)
        monkeypatch.setattr(purge, "space", lambda folder: (self.free, 1e12))
        with EventStore(self.store) as opened, opened.together():
            self.events = [event(days) for days in range(5)]
            for each in self.events:
                opened.add(each)
        for each in self.events:
            self.add(each.id)
        self.now, self.clock_s = NOW, 0.0
        log = Lines(self.said.append)
        self.keeper = Keeper(self.store, lambda: self.settings, log, lambda: self.now, lambda: self.clock_s)

    def add(self, id: str, kind: Kind = "clip") -> None:
        (subject,) = (each for each in self.events if each.id == id)
        with closing(Media(self.store)) as media:
            media.register(subject, kind, put(file_of(self.store, subject, kind), 1000))

    def clips(self) -> int:
        with closing(Media(self.store)) as media:
            return len(media.all())

    def until(self, holds: Callable[[], bool]) -> None:
        waited = threading.Event()
        for _ in range(2000):
            if holds():
                return
            waited.wait(0.005)
        raise AssertionError("never so")


@pytest.fixture
def yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Yard:
    return Yard(tmp_path, monkeypatch)


def test_it_sweeps_and_heals_when_it_begins(yard: Yard) -> None:
    yard.settings = RetentionSettings(keep_clips=2.5 * 86400)
    file_of(yard.store, yard.events[0], "clip").unlink()
    yard.keeper.start()
    yard.until(lambda: yard.clips() == 2)
    yard.keeper.close()
    assert not yard.keeper.is_alive()
    assert any("in step again" in line for line in yard.said)
    assert any("retention" in line for line in yard.said)


def pass_by(yard: Yard, time: timedelta, jump: timedelta = timedelta(0)) -> int:
    """So much time passes, while the clock moves by so much more; how many clips are then left."""
    yard.clock_s += time.total_seconds()
    yard.now += time + jump
    yard.keeper.sweep()
    return yard.clips()


def test_a_clock_that_jumps_makes_nothing_old_until_it_has_held_for_a_day(yard: Yard) -> None:
    yard.settings = RetentionSettings(keep_clips=10 * 86400.0)
    hour, years = timedelta(hours=1), timedelta(days=4000)
    assert pass_by(yard, hour) == 5
    assert pass_by(yard, hour, years) == 5
    assert pass_by(yard, 22 * hour) == 5
    assert any("the clock was set" in line for line in yard.said)
    # It was wrong, and is set again.
    assert pass_by(yard, hour, -years) == 5
    assert pass_by(yard, 25 * hour) == 5
    assert pass_by(yard, hour, years) == 5
    assert pass_by(yard, 25 * hour) == 0


def test_a_clock_that_is_set_a_little_is_believed(yard: Yard) -> None:
    yard.settings = RetentionSettings(keep_clips=2.5 * 86400)
    assert pass_by(yard, timedelta(hours=1), timedelta(minutes=50)) == 3


def test_what_is_of_nothing_is_not_old_by_a_clock_that_jumped(yard: Yard) -> None:
    stranger = put(file_of(yard.store, event(), "clip"), 10)
    os.utime(stranger, (NOW.timestamp(), NOW.timestamp()))
    yard.now += timedelta(days=4000)
    yard.keeper.start()
    yard.until(lambda: any("the clock was set" in line for line in yard.said))
    yard.keeper.close()
    assert stranger.exists()


def test_it_makes_room_at_once_when_it_is_asked(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "_DISK_EVERY_S", 3600.0)
    swept = threading.Event()

    def noted(*arguments: Any) -> Any:
        answer = purge.purge(*arguments)
        swept.set()
        return answer

    monkeypatch.setattr(keeping, "purge", noted)
    yard.keeper.start()
    assert swept.wait(20)
    assert yard.clips() == 5
    yard.free = 0.0
    yard.keeper.ask()
    yard.until(lambda: yard.clips() == 0)
    yard.keeper.close()
    assert any("short of disk space" in line for line in yard.said)


def test_new_files_are_allowed_as_long_as_old_ones_can_give_way(yard: Yard) -> None:
    assert yard.keeper.allows("clip")
    yard.free = 600_000.0
    assert not yard.keeper.allows("clip")
    assert yard.clips() == 0
    assert yard.keeper.allows("snapshot")
    yard.free = 400_000.0
    assert not yard.keeper.allows("snapshot")


def test_a_store_that_cannot_be_read_is_told_and_tried_again(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "_DISK_EVERY_S", 0.01)
    monkeypatch.setattr(keeping, "_ALL_EVERY_S", 0.0)
    content = yard.store.read_bytes()
    yard.store.write_bytes(b"no database" * 100)
    yard.settings = RetentionSettings(keep_clips=2.5 * 86400)
    yard.keeper.start()
    yard.until(lambda: any("tried again" in line for line in yard.said))
    yard.store.write_bytes(content)
    yard.until(lambda: yard.clips() == 3)
    yard.keeper.close()
