"""What a person commands reaches a watch that runs: a camera is looked at closely until its time is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_resnet.errors import UserError
from runtime.arming import Arming, Attending, Disarming
from runtime.attention import Rung
from runtime.config.schedule import Period, Schedule
from runtime.config.settings import AlarmSettings, GateSettings, ModeSettings
from runtime.events.attendance import Attendance, attend, attendances, release
from runtime.events.mode import Command, command
from runtime.events.store import EventStore
from runtime.events.waiting import Run
from runtime.look import looks
from runtime.service.lines import Lines
from runtime.sources.frame import Frame
from tests.stand_ins import BRIGHT, DARK, MODEL, Brightness
from tests.unit.runtime.feed import NOW, Clock, Frames, Recorder, Room

GLANCE, WATCH = Rung.GLANCE, Rung.WATCH


class Desk:
    """Cameras on the ladder, none of which is read, and a person who asks for them by another connection."""

    def __init__(self, store: EventStore, person: EventStore, live: bool = True, **settings: Any) -> None:
        self.clock, self.now, self.person = Clock(), NOW, person
        cameras = {"gate": Frames([], live), "door": Frames([], live)}
        room = Room(store, cameras, clock=self.clock, wall=lambda: self.now, **{"attention": "ladder", **settings})
        self.assembly, self.channels = room.assembly, room.watch.channels
        self.said: list[str] = []
        self.attending = Attending(room.assembly, self.channels, Lines(self.said.append))

    def ask(self, camera: str = "gate", minutes: float = 10.0) -> None:
        attend(self.person.database, Attendance(camera, NOW, NOW + timedelta(minutes=minutes)))

    def release(self, camera: str = "gate") -> None:
        release(self.person.database, camera)

    def after(self, minutes: float = 0.0, now: datetime | None = None) -> tuple[Rung, Rung]:
        """What gate and door want after so many minutes of the watch's clock; `now`: to what the wall clock was set."""
        self.clock.now_s += 60.0 * minutes
        self.now = now or self.now + timedelta(minutes=minutes)
        self.attending.look()
        return self.wants("gate"), self.wants("door")

    def wants(self, camera: str) -> Rung:
        attention = self.channels[camera].attention
        assert attention is not None
        self.channels[camera].turn(self.clock.now_s)
        return attention.wants

    @property
    def kept(self) -> list[Attendance]:
        return attendances(self.person.database)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[EventStore, EventStore]]:
    with EventStore(tmp_path / "events.sqlite") as store, EventStore(tmp_path / "events.sqlite") as person:
        yield store, person


def test_a_camera_is_watched_until_its_time_is_over_and_the_store_knows_it_no_more(
    stores: tuple[EventStore, EventStore],
) -> None:
    desk = Desk(*stores)
    assert desk.after() == (GLANCE, GLANCE)
    desk.ask()
    assert desk.after() == (WATCH, GLANCE)
    assert desk.after(9.9) == (WATCH, GLANCE)
    assert desk.kept
    assert desk.after(0.2) == (GLANCE, GLANCE)
    assert not desk.kept
    desk.after()
    assert desk.said == [
        "camera attended (camera gate, until 2026-11-24T12:10:00+00:00)",
        "camera no longer attended (camera gate)",
    ]


def test_it_is_watched_no_longer_once_it_is_released(stores: tuple[EventStore, EventStore]) -> None:
    desk = Desk(*stores)
    desk.ask()
    assert desk.after() == (WATCH, GLANCE)
    desk.release()
    assert desk.after() == (GLANCE, GLANCE)


def test_who_asks_again_moves_the_end_both_ways(stores: tuple[EventStore, EventStore]) -> None:
    desk = Desk(*stores)
    desk.ask(minutes=10.0)
    desk.after()
    desk.ask(minutes=60.0)
    assert desk.after(30.0) == (WATCH, GLANCE)
    desk.ask(minutes=31.0)
    assert desk.after() == (WATCH, GLANCE)
    assert desk.after(2.0) == (GLANCE, GLANCE)
    assert len(desk.said) == 3


@pytest.mark.parametrize("jump", [timedelta(days=-3650), timedelta(hours=-1), timedelta(hours=1), timedelta(days=3650)])
def test_a_wall_clock_that_is_set_neither_ends_it_nor_keeps_it_up(
    stores: tuple[EventStore, EventStore], jump: timedelta
) -> None:
    desk = Desk(*stores)
    desk.ask()
    desk.after()
    assert desk.after(1.0, now=NOW + jump) == (WATCH, GLANCE)
    assert desk.after(8.0) == (WATCH, GLANCE)
    assert desk.after(2.0) == (GLANCE, GLANCE)
    assert not desk.kept


def test_a_clock_that_was_set_back_before_the_watch_began_keeps_it_up_no_longer_than_was_asked_for(
    stores: tuple[EventStore, EventStore],
) -> None:
    desk = Desk(*stores)
    desk.ask()
    assert desk.after(now=NOW - timedelta(days=3650)) == (WATCH, GLANCE)
    assert desk.after(10.1) == (GLANCE, GLANCE)


def test_a_watch_that_begins_too_late_watches_nothing_closely(stores: tuple[EventStore, EventStore]) -> None:
    desk = Desk(*stores)
    desk.ask()
    assert desk.after(now=NOW + timedelta(minutes=11)) == (GLANCE, GLANCE)
    assert not desk.kept
    assert desk.said == []


def test_a_camera_that_a_reload_opened_anew_is_watched_on(stores: tuple[EventStore, EventStore]) -> None:
    desk = Desk(*stores)
    desk.ask()
    desk.after()
    desk.channels["gate"] = desk.assembly.channel("gate")  # type: ignore[index]
    assert desk.wants("gate") is GLANCE
    assert desk.after() == (WATCH, GLANCE)


def test_a_camera_that_is_not_there_is_told_once_and_watched_when_it_comes(
    stores: tuple[EventStore, EventStore],
) -> None:
    desk = Desk(*stores)
    gate = desk.channels.pop("gate")
    desk.ask()
    for _ in range(3):
        desk.attending.look()
    assert desk.said == ["a camera is to be attended that is not watched (camera gate)"]
    desk.channels["gate"] = gate
    assert desk.after() == (WATCH, GLANCE)


def test_a_camera_that_is_asleep_is_watched_too(stores: tuple[EventStore, EventStore]) -> None:
    # It watches for nothing, so nothing of it is ever armed.
    desk = Desk(*stores, alarms=())
    assert desk.after() == (Rung.ASLEEP, Rung.ASLEEP)
    desk.ask()
    assert desk.after() == (WATCH, Rung.ASLEEP)
    desk.release()
    assert desk.after() == (Rung.ASLEEP, Rung.ASLEEP)


def test_a_file_has_no_time_of_day_and_is_left_alone(stores: tuple[EventStore, EventStore]) -> None:
    desk = Desk(*stores, live=False)
    desk.ask()
    assert desk.after() == (GLANCE, GLANCE)


def test_while_the_store_cannot_be_read_it_ends_in_time_all_the_same(
    stores: tuple[EventStore, EventStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(*stores)
    desk.ask()
    desk.after()

    def unreadable(*_: object) -> None:
        raise UserError("the disk is gone")

    monkeypatch.setattr(stores[0].database, "rows", unreadable)
    assert desk.after(9.0) == (WATCH, GLANCE)
    assert desk.after(2.0) == (GLANCE, GLANCE)


def test_while_its_end_waits_to_be_written_it_is_not_asked_for_again(
    stores: tuple[EventStore, EventStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(*stores)
    desk.ask()
    desk.after()
    waiting: list[Run] = []
    monkeypatch.setattr(desk.assembly.store, "do", waiting.append)
    for _ in range(5):
        assert desk.after(11.0) == (GLANCE, GLANCE)
    (write,) = waiting
    write(stores[0])
    assert not desk.kept


def test_the_gate_leaves_nothing_out_while_somebody_wants_to_see_it(stores: tuple[EventStore, EventStore]) -> None:
    desk = Desk(*stores, attention="full", gate=GateSettings(enabled=True), heartbeat=3600.0)
    channel = desk.channels["gate"]

    def passes(minutes: float) -> bool:
        """Whether a frame like all others is looked at, so many minutes later."""
        desk.clock.now_s += 60.0 * minutes
        now_s = desk.clock.now_s
        desk.attending.look()
        frame = Frame(np.full((48, 64, 3), DARK, np.uint8), now_s, 0, now_s, "gate")
        return channel.admit(channel.camera.maker.make(frame, due=True), now_s)

    assert [passes(1.0) for _ in range(3)] == [True, False, False]
    desk.ask(minutes=3.5)
    assert [passes(1.0) for _ in range(6)] == [True, True, True, True, False, False]
    desk.ask(minutes=60.0)
    assert passes(1.0)
    desk.release()
    assert not passes(1.0)


class Guard:
    """A camera that raised an alarm and gives no frames any more; the watch goes on."""

    def __init__(self, store: EventStore, levels: list[int]) -> None:
        whole = {
            "schedules": {"nights": Schedule(periods=(Period(start="22:00", end="06:00"),))},
            "modes": {"home": ModeSettings(), "away": ModeSettings(schedule="nights")},
            "alarms": {"fire": AlarmSettings(modes=("away",))},
        }
        self.store, self.recorder = store, Recorder(store)
        room = Room(store, {"gate": Frames([], live=True)}, self.recorder, whole=whole)
        room.watch.inference.close()
        self.channel, crier = room.watch.channels["gate"], room.watch.crier
        self.arming = Arming(room.assembly, Lines(lambda line: None))
        self.disarming = Disarming(room.watch.channels, crier)
        self.command("away")
        for number, level in enumerate(levels):
            at_s = 1000.0 + number / 5
            frame = Frame(np.full((32, 64, 3), level, np.uint8), at_s - 1000.0, number, at_s, "gate")
            shot = self.channel.camera.maker.make(frame, due=True)
            (look,) = looks(MODEL, [frame], Brightness().infer(frame.image[None]))
            crier.tell(self.channel.take(shot, look, at_s))

    def command(self, mode: str) -> None:
        command(self.store.database, Command(mode), NOW)
        self.beat()

    def beat(self) -> None:
        self.arming.look()
        self.disarming.look()


def test_an_alarm_that_is_held_ends_when_it_is_disarmed_though_no_frame_comes(
    stores: tuple[EventStore, EventStore],
) -> None:
    guard = Guard(stores[0], [BRIGHT] * 10)
    guard.beat()
    assert [event.ended_s for event in guard.recorder.events] == [None]
    guard.command("home")
    _, ended = guard.recorder.events
    assert (ended.ended_s, ended.interrupted) == (pytest.approx(1.8), True)
    assert stores[1].events() == [ended]
    assert not guard.channel.journal.held
    guard.beat()
    guard.command("away")
    assert len(guard.recorder.events) == 2


def test_what_came_near_an_alarm_that_is_disarmed_has_missed_though_no_frame_comes(
    stores: tuple[EventStore, EventStore],
) -> None:
    guard = Guard(stores[0], [BRIGHT] * 2)
    guard.beat()
    assert not stores[1].misses()
    guard.command("home")
    assert len(stores[1].misses()) == 1
    guard.beat()
    assert len(stores[1].misses()) == 1
