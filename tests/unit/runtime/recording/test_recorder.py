"""The recorder behind a whole watch: snapshots and clips of what was raised and of what nearly was."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from runtime.config.recording import RecordingSettings
from runtime.config.settings import WatchSettings
from runtime.events.media import Kind, Media, Medium
from runtime.events.store import EventStore
from runtime.recording import archive
from runtime.recording import studio as studios
from runtime.recording.recorder import Recorder
from runtime.service.lines import Lines
from tests.stand_ins import BRIGHT, DARK, MODEL
from tests.unit.runtime.feed import Frames, Guarded, Room

ONE_FIRE = [DARK] * 100 + [BRIGHT] * 40 + [DARK] * 200
SHORT = {"pre_roll": 2.0, "post_roll": 3.0}


@dataclass
class Space:
    """A disk that has space for some kinds."""

    kinds: tuple[Kind, ...] = ("snapshot", "heat", "clip")

    def allows(self, kind: Kind) -> bool:
        return kind in self.kinds


@dataclass
class Studio:
    """A watch of files with a recorder, and what came of it."""

    folder: Path
    space: Space = field(default_factory=Space)
    said: list[str] = field(default_factory=list)

    def record(self, cameras: dict[str, list[int]], camera: dict[str, Any] | None = None, **settings: Any) -> Recorder:
        whole = {"recording": RecordingSettings(**{**SHORT, **settings})}
        path = self.folder / "events.sqlite"
        with EventStore(path) as store:
            recorder = Recorder(
                path, MODEL, lambda: room.assembly.settings, self.space, Lines(self.said.append), files_only=True
            )
            sources = {name: Frames(brightness) for name, brightness in cameras.items()}
            room = Room(store, sources, recorder, whole=whole, **(camera or {}))
            room.run()
            recorder.close()
        return recorder

    def media(self) -> list[Medium]:
        with closing(Media(self.folder / "events.sqlite")) as media:
            return media.all()

    def kinds(self) -> list[str]:
        return sorted(each.kind for each in self.media())


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path)


def frames(path: Path) -> dict[float, float]:
    """Brightness by time."""
    capture, found = cv2.VideoCapture(str(path)), {}
    while capture.grab():
        found[round(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, 2)] = float(capture.retrieve()[1].mean())
    capture.release()
    return found


def test_an_event_has_its_pictures_and_a_clip_of_before_and_after(studio: Studio) -> None:
    studio.record({"yard": ONE_FIRE})
    by_kind = {each.kind: each for each in studio.media()}
    assert set(by_kind) == {"snapshot", "heat", "clip"}
    assert all(each.bytes == each.path.stat().st_size for each in by_kind.values())
    with EventStore(studio.folder / "events.sqlite") as store:
        (event,) = store.events()
    assert {each.event_id for each in by_kind.values()} == {event.id}
    snapshot, heat = (cv2.imread(str(by_kind[kind].path)) for kind in ("snapshot", "heat"))  # type: ignore[index]
    assert snapshot is not None
    assert heat is not None
    assert snapshot.shape == heat.shape == (48, 64, 3)
    assert snapshot.mean() == pytest.approx(BRIGHT, abs=3)
    assert np.abs(snapshot.astype(float) - heat).mean() > 5
    # Raised at 11.0: from 9.0 to 16.8, and the fire is from 10.0 to 14.0.
    shown = frames(by_kind["clip"].path)
    assert (event.raised_s, event.ended_s) == (pytest.approx(11.0), pytest.approx(13.8))
    assert max(shown) == pytest.approx(7.8, abs=0.21)
    assert all((brightness > 130) == (1.0 <= at_s < 5.0) for at_s, brightness in shown.items())
    assert studio.said == []


def test_two_events_each_have_a_clip(studio: Studio) -> None:
    studio.record({"yard": ONE_FIRE, "gate": [DARK] * 20 + ONE_FIRE})
    assert studio.kinds() == ["clip", "clip", "heat", "heat", "snapshot", "snapshot"]
    assert len({each.event_id for each in studio.media()}) == 2


def test_an_event_at_the_end_of_a_file_has_a_clip_as_far_as_it_goes(studio: Studio) -> None:
    studio.record({"yard": [DARK] * 50 + [BRIGHT] * 30})
    (clip,) = (each for each in studio.media() if each.kind == "clip")
    assert max(frames(clip.path)) == pytest.approx(3.8, abs=0.21)


def test_a_near_miss_has_pictures_and_no_clip(studio: Studio) -> None:
    studio.record({"yard": [DARK] * 50 + [BRIGHT] * 4 + [DARK] * 100})
    media = studio.media()
    assert sorted(each.kind for each in media) == ["heat", "snapshot"]
    assert all(each.near_miss_id is not None and each.event_id is None for each in media)
    image = cv2.imread(str(next(each.path for each in media if each.kind == "snapshot")))
    assert image is not None
    assert image.mean() == pytest.approx(BRIGHT, abs=3)


def test_of_a_target_that_comes_near_again_and_again_one_in_a_minute_is_shown(studio: Studio) -> None:
    flicker = [DARK] * 100 + [BRIGHT] * 4
    cameras = {"yard": [*flicker * 9, *[DARK] * 100], "gate": [*flicker, *[DARK] * 100]}
    studio.record(cameras)
    with EventStore(studio.folder / "events.sqlite") as store:
        misses = {each.id: each for each in store.misses()}
    assert len(misses) == 10
    shown = [misses[each.near_miss_id] for each in studio.media() if each.kind == "snapshot" and each.near_miss_id]
    times_s = {name: [each.best_s for each in shown if each.camera == name] for name in cameras}
    assert len(times_s["gate"]) == 1
    first_s, second_s = times_s["yard"]
    assert 60.0 <= second_s - first_s < 75.0


@pytest.mark.parametrize(
    ("off", "kinds"),
    [
        ({"clips": False}, ["heat", "heat", "snapshot", "snapshot"]),
        ({"snapshots": False}, ["clip"]),
        ({"near_misses": False}, ["clip", "heat", "snapshot"]),
        ({"clips": False, "snapshots": False}, []),
    ],
)
def test_what_is_switched_off_is_not_recorded(studio: Studio, off: dict[str, bool], kinds: list[str]) -> None:
    studio.record({"yard": [DARK] * 50 + [BRIGHT] * 4 + [DARK] * 150 + ONE_FIRE}, **off)
    assert studio.kinds() == kinds


def test_masks_are_in_all_of_it(studio: Studio) -> None:
    left = ((0.0, 0.0), (0.25, 0.0), (0.25, 1.0), (0.0, 1.0))
    studio.record({"yard": ONE_FIRE}, camera={"masks": (left,)})
    by_kind = {each.kind: each.path for each in studio.media()}
    snapshot = cv2.imread(str(by_kind["snapshot"]))
    assert snapshot is not None
    assert snapshot[:, :12].mean() < 10 < 130 < snapshot[:, 24:].mean()
    capture, pictures = cv2.VideoCapture(str(by_kind["clip"])), 0
    while capture.grab():
        assert capture.retrieve()[1][:, :12].mean() < 12
        pictures += 1
    capture.release()
    assert pictures > 30


def test_clips_are_scaled_and_snapshots_are_not(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = np.full((96, 256, 3), BRIGHT, np.uint8)
    monkeypatch.setattr(Frames, "retrieve", lambda source: np.minimum(wide, source._value).astype(np.uint8))
    studio.record({"yard": ONE_FIRE}, width=64)
    by_kind = {each.kind: each.path for each in studio.media()}
    capture = cv2.VideoCapture(str(by_kind["clip"]))
    assert (capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)) == (64, 24)
    capture.release()
    snapshot = cv2.imread(str(by_kind["snapshot"]))
    assert snapshot is not None
    assert snapshot.shape == (96, 256, 3)


def test_a_short_disk_is_told_and_takes_what_it_must(studio: Studio) -> None:
    studio.space.kinds = ("snapshot", "heat")
    recorder = studio.record({"yard": ONE_FIRE})
    assert studio.kinds() == ["heat", "snapshot"]
    assert recorder.dropped == {"clip": 1}
    assert any("short of space" in line for line in studio.said)
    assert any("not all was recorded" in line for line in studio.said)


def test_a_picture_that_cannot_be_made_does_not_end_the_recording(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no such colour")

    monkeypatch.setattr(archive, "explained", fail)
    studio.record({"yard": ONE_FIRE})
    assert studio.kinds() == ["clip", "snapshot"]
    assert any("no such colour" in line for line in studio.said)


def test_a_live_camera_has_its_clip_when_it_is_over_by_the_clock(tmp_path: Path) -> None:
    yard, path, said = Frames([], live=True), tmp_path / "events.sqlite", list[str]()
    guarded = Guarded(tmp_path, {"yard": yard}, whole={"recording": RecordingSettings(**SHORT, packets="off")})
    recorder = Recorder(
        path, MODEL, lambda: guarded.room.assembly.settings, Space(), Lines(said.append), clock=guarded.clock
    )
    with guarded:
        guarded.room.watch.outputs.append(recorder)

        def look(brightness: int, looks: int) -> None:
            for _ in range(looks):
                seen = len(guarded.recorder.looks)
                guarded.clock.now_s += 0.25
                yard.food.put((guarded.clock.now_s, brightness))
                guarded.until(lambda seen=seen: len(guarded.recorder.looks) > seen)  # type: ignore[misc]

        def clips() -> list[Medium]:
            with closing(Media(path)) as media:
                return [each for each in media.all() if each.kind == "clip"]

        look(DARK, 20)
        look(BRIGHT, 12)
        # Over after five seconds of quiet, the clip three seconds after the last look that held it.
        look(DARK, 24)
        guarded.until(lambda: len(guarded.recorder.events) == 2)
        until_s = time.monotonic() + 20.0
        while not clips() and time.monotonic() < until_s:
            guarded.clock.now_s += 0.05
            time.sleep(0.02)
        (clip,) = clips()
    recorder.close()
    shown = frames(clip.path)
    (event,) = {each.id: each for each in guarded.recorder.events}.values()
    assert event.ended_s is not None
    assert max(shown) == pytest.approx(event.ended_s + 3.0 - (event.raised_s - 2.0), abs=0.3)
    assert shown[0.0] == pytest.approx(DARK, abs=5)
    assert shown[2.0] == pytest.approx(BRIGHT, abs=5)
    assert said == []


def test_a_reload_ends_the_tape_of_a_camera_that_changed_and_writes_what_was_gathered(tmp_path: Path) -> None:
    path, room_settings = tmp_path / "events.sqlite", list[WatchSettings]()
    with EventStore(path) as store:
        recorder = Recorder(path, MODEL, lambda: room_settings[-1], Space(), Lines(lambda line: None), files_only=True)
        room = Room(store, {"yard": Frames(ONE_FIRE)}, recorder, whole={"recording": RecordingSettings(**SHORT)})
        room_settings.append(room.assembly.settings)
        room.run()
        changed = room.assembly.settings.model_copy(update={"recording": RecordingSettings(clips=False)})
        room_settings.append(changed)
        recorder.close()
    with closing(Media(path)) as media:
        assert [each.kind for each in media.all() if each.kind == "clip"] == ["clip"]


def test_nothing_is_done_on_the_main_thread_but_to_append(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a JPEG nor a file is made where judged, evidence and event are called."""
    where: set[str] = set()

    def noted(made: Any) -> Any:
        def call(*arguments: Any) -> Any:
            where.add(threading.current_thread().name)
            return made(*arguments)

        return call

    for module, name in ((studios, "encoded"), (archive, "encoded"), (archive, "explained"), (archive, "write_film")):
        monkeypatch.setattr(module, name, noted(getattr(module, name)))
    Studio(tmp_path).record({"yard": ONE_FIRE})
    assert where == {"recording pictures", "recording files"}
