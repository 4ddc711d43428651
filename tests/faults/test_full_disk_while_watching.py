"""A disk that fills up under a running watch: alarms are told, and written when there is space again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_resnet.errors import UserError
from runtime.events.store import EventStore
from tests.stand_ins import BRIGHT
from tests.unit.runtime.feed import Frames, Guarded


class Ballast:
    """A file that takes all the space there is."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ballast"

    def load(self) -> None:
        space = os.statvfs(self._path.parent)
        self._path.write_bytes(bytes(space.f_bavail * space.f_bsize))

    def drop(self) -> None:
        self._path.unlink()


def fire(guarded: Guarded, yard: Frames, looks: int) -> None:
    """So many looks at a fire, four a second."""
    for _ in range(looks):
        seen = len(guarded.recorder.looks)
        guarded.clock.now_s += 0.25
        yard.food.put((guarded.clock.now_s, BRIGHT))
        guarded.until(lambda seen=seen: len(guarded.recorder.looks) > seen)  # type: ignore[misc]


def test_an_alarm_is_told_though_it_cannot_be_written_and_is_written_when_it_can(small_disk: Path) -> None:
    yard, ballast = Frames([], live=True), Ballast(small_disk)
    with Guarded(small_disk, {"yard": yard}) as guarded:
        fire(guarded, yard, 2)
        ballast.load()
        fire(guarded, yard, 60)
        assert [event.ended_s for event in guarded.recorder.events] == [None]
        assert any("not written yet" in line and "no space left" in line for line in guarded.room.said)
        ballast.drop()
        fire(guarded, yard, 48)
        guarded.until(lambda: not guarded.room.store.unwritten)
    with EventStore(small_disk / "events.sqlite") as store:
        assert [event.ended_s is not None for event in store.events()] == [True]
        booked_s = sum(entry.seconds for entry in store.ledger() if entry.camera == "yard")
    # 110 looks, four a second: not a second was lost, nor counted twice.
    assert booked_s == pytest.approx(110 / 4, abs=1.0)


def test_what_is_not_written_at_the_end_is_said(small_disk: Path) -> None:
    yard, ballast = Frames([], live=True), Ballast(small_disk)
    with Guarded(small_disk, {"yard": yard}) as guarded:
        fire(guarded, yard, 2)
        ballast.load()
        fire(guarded, yard, 20)
    assert isinstance(guarded.ended_by, UserError)
    assert "no space left" in str(guarded.ended_by)
