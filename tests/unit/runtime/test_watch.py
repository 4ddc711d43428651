"""The loop from frames to events, with fed cameras, a store and outputs that the test sees through."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edge_resnet.errors import BackendError, CameraError
from runtime.config.settings import GateSettings
from runtime.events.event import Event
from runtime.events.store import EventStore
from runtime.outputs.output import Output
from runtime.sources.outage import Outage
from runtime.standing import standing
from runtime.watch import Limits
from tests.stand_ins import BRIGHT, DARK, Brightness
from tests.unit.runtime.feed import Frames, Guarded, Recorder, Room

ONE_FIRE = [DARK] * 50 + [BRIGHT] * 50 + [DARK] * 100


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    with EventStore(tmp_path / "events.sqlite") as store:
        yield store


def test_a_fire_is_one_event_written_before_it_is_told(store: EventStore) -> None:
    recorder = Recorder(store)
    room = Room(store, {"yard": Frames(ONE_FIRE)}, recorder)
    room.run()
    raised, cleared = recorder.events
    assert recorder.stored == [[raised], [cleared]]
    assert (raised.started_s, raised.raised_s, raised.ended_s) == (5.0, 6.0, None)
    assert (cleared.id, cleared.ended_s) == (raised.id, pytest.approx(9.8))
    assert len(recorder.looks) == 100
    assert not recorder.pictures


def test_calm_frames_are_no_event(store: EventStore) -> None:
    Room(store, {"yard": Frames([DARK] * 200)}).run()
    assert not store.events()


def test_a_replay_gives_the_same_events_whoever_is_watched_beside_it(store: EventStore) -> None:
    noise = np.random.default_rng(7).choice([DARK, 128, BRIGHT], 600).tolist()
    seen = []
    for beside in ({}, {"hall": Frames(ONE_FIRE)}, {"hall": Frames([DARK] * 300), "door": Frames([BRIGHT] * 90)}):
        recorder = Recorder(store)
        Room(store, {"yard": Frames(noise), **beside}, recorder).run()
        of_yard = [event for event in recorder.events if event.camera == "yard"]
        seen.append([(event.started_s, event.raised_s, event.ended_s, event.mean) for event in of_yard])
    assert seen[0] == seen[1] == seen[2]
    assert seen[0]


def test_what_is_held_when_a_file_breaks_off_is_ended_in_the_store_and_told(store: EventStore) -> None:
    recorder = Recorder(store)
    outage = Outage("yard", "codec", "give another file")
    with pytest.raises(CameraError, match="another file"):
        Room(store, {"yard": Frames([BRIGHT] * 30, failure=outage)}, recorder).run()
    assert [event.ended_s for event in store.events()] == [pytest.approx(2.8)]
    assert recorder.events[1:] == store.events()


def test_a_file_that_breaks_off_does_not_end_the_watch_of_the_others(store: EventStore) -> None:
    recorder = Recorder(store)
    broken = Frames([DARK] * 5, failure=Outage("yard", "codec", "give another file"))
    with pytest.raises(CameraError):
        Room(store, {"yard": broken, "hall": Frames(ONE_FIRE)}, recorder).run()
    assert [(event.camera, event.ended_s) for event in recorder.events[1:]] == [("hall", pytest.approx(9.8))]


def test_a_sink_that_fails_takes_no_event_with_it(store: EventStore) -> None:
    class Broken(Output):
        def event(self, event: Event) -> None:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        Room(store, {"yard": Frames(ONE_FIRE)}, Broken()).run()
    assert [event.ended_s is not None for event in store.events()] == [True]


def test_it_ends_after_so_many_seconds_of_the_stream(store: EventStore) -> None:
    recorder = Recorder(store)
    room = Room(store, {"yard": Frames([DARK] * 1000)}, recorder, limits=Limits(max_seconds=3.0))
    room.run()
    assert len(recorder.looks) == 15
    # Nor is the rest of it read.
    assert room.watch.channels["yard"].camera.news().came < 100


def test_pictures_are_made_of_every_frame_and_only_for_who_wants_them(store: EventStore) -> None:
    recorder = Recorder(store)
    Room(store, {"yard": Frames(ONE_FIRE)}, recorder, screen=True).run()
    assert [time_s for time_s, _ in recorder.pictures] == [number / 10 for number in range(200)]
    assert len(recorder.looks) == 100
    before, during = recorder.pictures[10][1], recorder.pictures[80][1]
    # The band of the alarm, on a grey frame: red over green.
    assert before[4, 50, 2] == before[4, 50, 1]
    assert int(during[4, 50, 2]) - int(during[4, 50, 1]) > 100


class Sizes(Brightness):
    """Notes how many frames came at once."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def _run(self, frames: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        self.batches.append(len(frames))
        return super()._run(frames)


def test_cameras_share_batches_and_no_batch_is_larger_than_allowed(store: EventStore) -> None:
    backend = Sizes()
    cameras = {f"camera{number}": Frames([DARK] * 100) for number in range(6)}
    limits = Limits(max_batch=4, max_wait_s=5.0)
    Room(store, cameras, limits=limits, open_backend=lambda without: backend).run()
    assert sum(backend.batches) == 6 * 50
    assert max(backend.batches) == 4


class Failing(Brightness):
    """Fails as often as told, then works."""

    def __init__(self, times: list[int]) -> None:
        super().__init__()
        self.times = times

    def _run(self, frames: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        if self.times[0] > 0:
            self.times[0] -= 1
            raise RuntimeError("device lost")
        return super()._run(frames)


def test_no_look_at_a_file_is_lost_when_the_backend_fails_and_that_is_an_incident(store: EventStore) -> None:
    recorder, times = Recorder(store), [1]
    Room(store, {"yard": Frames(ONE_FIRE)}, recorder, open_backend=lambda without: Failing(times)).run()
    assert len(recorder.looks) == 100
    began, ended = recorder.incidents
    assert (began.kind, began.camera, began.ended_at) == ("backend", None, None)
    assert (ended.id, ended.evidence) == (began.id, began.evidence)
    assert "device lost" in str(began.evidence["why"])
    assert [incident.ended_at is not None for incident in store.incidents()] == [True]


def test_a_file_that_no_backend_can_classify_ends_the_watch(store: EventStore) -> None:
    with pytest.raises(BackendError, match="device lost"):
        Room(store, {"yard": Frames(ONE_FIRE)}, open_backend=lambda without: Failing([10])).run()


def test_without_any_backend_at_the_start_it_does_not_begin(store: EventStore) -> None:
    def none(without: object) -> Brightness:
        raise BackendError("no driver")

    with pytest.raises(BackendError, match="no driver"):
        Room(store, {"yard": Frames([], live=True)}, open_backend=none).run()


def test_an_old_frame_of_a_live_camera_is_never_classified_and_is_counted(tmp_path: Path) -> None:
    yard = Frames([], live=True)
    with Guarded(tmp_path, {"yard": yard}, max_age=2.0) as guarded:
        guarded.clock.now_s = 1010.0
        yard.food.put((1005.0, BRIGHT))
        channel = guarded.room.watch.channels["yard"]
        guarded.until(lambda: channel.dropped["too_old"] == 1)
        yard.food.put((1009.5, BRIGHT))
        guarded.until(lambda: len(guarded.recorder.looks) == 1)
    assert guarded.recorder.looks[0].index == 1


def test_an_answer_that_comes_too_late_counts_for_nothing(tmp_path: Path) -> None:
    yard = Frames([], live=True)

    class Slow(Brightness):
        def _run(self, frames: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
            guarded.clock.now_s += 3.0
            return super()._run(frames)

    with Guarded(tmp_path, {"yard": yard}, open_backend=lambda without: Slow(), max_age=2.0) as guarded:
        yard.food.put((1000.0, BRIGHT))
        guarded.until(lambda: guarded.room.watch.channels["yard"].dropped["late"] == 1)
    assert not guarded.recorder.looks


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("how", ["too_old", "late", "returned", "given_up"])
def test_a_look_that_was_lost_is_made_up_for(tmp_path: Path, how: str, gated: bool) -> None:
    """Of a camera that is looked at each 10 s; whether it is lost before the engine has it, or there."""
    yard, failed = Frames([], live=True), []

    class Losing(Brightness):
        def _run(self, frames: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
            if how in ("late", "returned") and not failed:
                guarded.clock.now_s += 3.0
            if len(failed) < {"late": 1, "returned": 1, "given_up": 3}.get(how, 0):
                failed.append(how)
                if how != "late":
                    raise RuntimeError("device lost")
            return super()._run(frames)

    def lost() -> bool:
        watch = guarded.room.watch
        given_up = len(failed) == 3 and watch.batcher.idle and watch.running is not None
        return given_up if how == "given_up" else sum(watch.channels["yard"].dropped.values()) == 1

    options = {"rate": 0.1, "max_age": 2.0, "gate": GateSettings(enabled=gated)}
    with Guarded(tmp_path, {"yard": yard}, open_backend=lambda without: Losing(), **options) as guarded:
        guarded.clock.now_s += 3.0 * (how == "too_old")
        yard.food.put((1000.0, DARK))
        guarded.until(lost)
        guarded.clock.now_s = 1003.0
        yard.food.put((1003.0, DARK))
        guarded.until(lambda: bool(guarded.recorder.looks))
    assert [look.time_s for look in guarded.recorder.looks] == [pytest.approx(3.0)]


def test_a_camera_that_gives_nothing_disturbs_no_other_and_is_told_blind(tmp_path: Path) -> None:
    silent, yard = Frames([], live=True), Frames([], live=True)
    with Guarded(tmp_path, {"silent": silent, "yard": yard}) as guarded:
        for number in range(12):
            guarded.clock.now_s += 1.0
            yard.food.put((guarded.clock.now_s, BRIGHT))
            guarded.until(lambda number=number: len(guarded.recorder.looks) == number + 1)  # type: ignore[misc]
        guarded.until(lambda: any(each.camera == "silent" for each in guarded.recorder.incidents))
    assert {look.camera for look in guarded.recorder.looks} == {"yard"}
    told = [(each.kind, each.ended_at is None) for each in guarded.recorder.incidents if each.camera == "silent"]
    assert told == [("offline", True), ("offline", False)]
    with EventStore(tmp_path / "events.sqlite") as store:
        assert [each.kind for each in store.incidents() if each.camera == "silent"] == ["offline"]


def test_when_a_camera_has_come_it_is_told_what_decodes_it(tmp_path: Path) -> None:
    yard = Frames([], live=True)
    yard.decoder = "vaapi"
    with Guarded(tmp_path, {"yard": yard}) as guarded:
        for number in range(5):
            guarded.clock.now_s += 1.0
            yard.food.put((guarded.clock.now_s, BRIGHT))
            guarded.until(lambda number=number: len(guarded.recorder.looks) == number + 1)  # type: ignore[misc]
        guarded.until(lambda: "camera is live (camera yard, decoder vaapi)" in guarded.room.said)
        assert guarded.room.watch.status().cameras[0].decoder == "vaapi"


def test_an_alarm_of_a_live_camera_has_the_wall_clocks_time(tmp_path: Path) -> None:
    yard = Frames([], live=True)
    with Guarded(tmp_path, {"yard": yard}) as guarded:
        for number in range(10):
            guarded.clock.now_s += 0.25
            yard.food.put((guarded.clock.now_s, BRIGHT))
            guarded.until(lambda number=number: len(guarded.recorder.looks) == number + 1)  # type: ignore[misc]
        guarded.until(lambda: bool(guarded.recorder.events))
    assert guarded.recorder.events[0].raised_at is not None


def test_what_is_answered_of_a_camera_that_was_removed_meanwhile_counts_for_nothing(tmp_path: Path) -> None:
    yard, hall = Frames([], live=True), Frames([], live=True)
    asked, removed = threading.Event(), threading.Event()

    class Waiting(Brightness):
        def _run(self, frames: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
            asked.set()
            removed.wait(10)
            return super()._run(frames)

    with Guarded(tmp_path, {"yard": yard, "hall": hall}, open_backend=lambda without: Waiting()) as guarded:
        watch = guarded.room.watch

        def remove() -> None:
            if asked.is_set() and "yard" in watch.channels:
                watch.remove("yard")
                removed.set()

        watch.on_tick = (remove,)
        yard.food.put((1000.0, BRIGHT))
        assert asked.wait(10)
        guarded.clock.now_s += 1.0
        assert removed.wait(10)
        hall.food.put((1001.0, BRIGHT))
        guarded.until(lambda: bool(guarded.recorder.looks))
    assert {look.camera for look in guarded.recorder.looks} == {"hall"}


def test_what_another_engine_tries_again_is_nothing_of_a_camera_that_was_exchanged_meanwhile(tmp_path: Path) -> None:
    """A camera of the same name has taken its place: a reload."""
    yard, asked, exchanged = Frames([], live=True), threading.Event(), threading.Event()

    class Broken(Brightness):
        def _run(self, frames: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
            if not asked.is_set():
                asked.set()
                exchanged.wait(10)
                raise RuntimeError("device lost")
            seen.append(len(frames))
            return super()._run(frames)

    seen: list[int] = []
    with Guarded(tmp_path, {"yard": yard}, open_backend=lambda without: Broken()) as guarded:
        watch, before = guarded.room.watch, guarded.room.watch.channels["yard"]

        def exchange() -> None:
            if asked.is_set() and watch.channels.get("yard") is before:
                watch.remove("yard")
                watch.add(guarded.room.assembly.channel("yard"))
                exchanged.set()

        watch.on_tick = (exchange,)
        yard.food.put((1000.0, BRIGHT))
        assert asked.wait(10)
        guarded.clock.now_s += 1.0
        assert exchanged.wait(10)
        guarded.until(lambda: any(each.ended_at is not None for each in guarded.recorder.incidents))
        # To the thread of the one that was removed, and to its successor's.
        for _ in range(2):
            yard.food.put((1001.0, BRIGHT))
        guarded.until(lambda: bool(guarded.recorder.looks))
    assert sum(seen) == len(guarded.recorder.looks) == watch.channels["yard"].looks == 1


class Lazy(Frames):
    """Of its frames the network's picture can be made, and not the one for people."""

    @dataclass(frozen=True)
    class Picture:
        level: int
        shape: tuple[int, int] = (480, 640)
        nbytes: int = 1

        def grey(self, row_step: int, column_step: int) -> npt.NDArray[np.uint8]:
            return np.full(self.shape, self.level, np.uint8)[::row_step, ::column_step]

        def scaled(self, height: int, width: int) -> npt.NDArray[np.uint8]:
            if (height, width) == self.shape:
                raise ValueError("slice")
            return np.full((height, width, 3), self.level, np.uint8)

    def retrieve(self) -> Any:
        return self.Picture(self._value)


def test_a_picture_that_cannot_be_made_for_people_is_not_shown_and_the_watch_goes_on(store: EventStore) -> None:
    recorder = Recorder(store)
    Room(store, {"yard": Lazy(ONE_FIRE)}, recorder, screen=True).run()
    assert not recorder.pictures
    assert len(recorder.looks) == 100
    assert len(recorder.events) == 2


def test_a_file_whose_gate_closes_is_passed_over_again_once_its_reason_is_over(store: EventStore) -> None:
    # Someone is there for a moment; then nothing moves for a minute, in which nothing is judged.
    yard = Frames([DARK] * 20 + [117] * 5 + [DARK] * 600)
    gate = GateSettings(enabled=True, hold_open=1.0)
    room = Room(store, {"yard": yard}, attention="ladder", gate=gate, heartbeat=60.0)
    channel = replace(room.assembly, open_packets=lambda *_: yard).channel("yard")
    room.watch.channels["yard"] = channel
    room.run()
    assert standing(channel, 0.0).attention == "glance"
    # Five a second for the 10 s that it is held and some, then one.
    assert channel.given < 130


def test_a_camera_that_never_came_is_starting_and_gets_no_looks(tmp_path: Path) -> None:
    with Guarded(tmp_path, {"yard": Frames([], live=True)}) as guarded:
        (status,) = guarded.room.watch.status().cameras
    assert (status.state, status.why) == ("offline", "starting")
    assert (status.wanted_per_s, status.rate_per_s) == (5.0, 0.0)


def test_frames_that_come_while_the_engine_is_opened_are_booked_so(tmp_path: Path) -> None:
    yard, opened = Frames([], live=True), threading.Event()

    def slowly(without: object) -> Brightness:
        opened.wait(20)
        return Brightness()

    with Guarded(tmp_path, {"yard": yard}, open_backend=slowly) as guarded:
        channel = guarded.room.watch.channels["yard"]
        for number in range(20):
            guarded.clock.now_s += 1.0
            yard.food.put((guarded.clock.now_s, DARK))
            guarded.until(lambda number=number: channel.camera.news().came > number)  # type: ignore[misc]
        assert channel.ledger is not None
        guarded.until(lambda: channel.ledger is not None and channel.ledger.settled_s > 1010.0)
        opened.set()
        guarded.until(lambda: bool(guarded.recorder.looks))
        assert channel.ledger.totals["no_engine"] > 5.0
        assert "not_looked" not in channel.ledger.totals
