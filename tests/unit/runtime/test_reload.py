"""A reload touches only the cameras that it concerns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.config.settings import AlarmSettings, CameraSettings, SiteSettings, WatchSettings
from runtime.events.store import EventStore
from runtime.judge import Target
from runtime.life import Signals
from runtime.reload import Reload
from runtime.service.lines import Lines
from runtime.service.notify import Systemd
from runtime.severity import Severity
from tests.unit.runtime.feed import Frames, Room


def settings(hall_rate: float = 5.0, threshold: float = 0.5, severity: Severity = "warning") -> WatchSettings:
    """A yard that watches for everything, and a hall that watches for nothing."""
    yard = CameraSettings(detect="rtsp://fed/yard")
    hall = CameraSettings(detect="rtsp://fed/hall", alarms=(), rate=hall_rate)
    alarms = {"fire": AlarmSettings(threshold=threshold, severity=severity)}
    return WatchSettings(sites={"": SiteSettings(cameras={"yard": yard, "hall": hall})}, alarms=alarms)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with EventStore(tmp_path / "events.sqlite") as store:
        room = Room(store, {"yard": Frames([], live=True), "hall": Frames([], live=True)})
        room.assembly.settings = settings()
        yield room
        room.watch.inference.close()


def reopened(room: Room, to: WatchSettings) -> set[str]:
    """The cameras that a reload opens anew."""
    before = dict(room.watch.channels)
    signals = Signals(reload=True)
    Reload(signals, room.assembly, room.watch, lambda: to, Systemd({}), Lines(room.said.append)).look()
    assert not signals.reload
    return {name for name, channel in room.watch.channels.items() if channel is not before[name]}


def test_what_is_the_same_is_left_alone(room: Room) -> None:
    assert reopened(room, settings()) == set()


def test_a_camera_that_is_set_otherwise_is_opened_anew(room: Room) -> None:
    assert reopened(room, settings(hall_rate=2.0)) == {"hall"}


def test_an_alarm_that_is_set_otherwise_concerns_only_who_watches_for_it(room: Room) -> None:
    assert reopened(room, settings(threshold=0.7)) == {"yard"}
    assert room.watch.channels["yard"].judge.rules[Target("fire")].settings.threshold == 0.7


def test_how_bad_an_alarm_is_concerns_no_camera_and_holds_from_now_on(room: Room) -> None:
    assert reopened(room, settings(severity="critical")) == set()
    assert room.watch.channels["yard"].journal.severity("fire") == "critical"
