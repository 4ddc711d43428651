"""Where packets come from: of the connection that reads the camera, where that has them; else of another, or none."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from runtime.cameras.shot import Shot
from runtime.config.recording import RecordingSettings
from runtime.config.settings import CameraSettings, SiteSettings, WatchSettings
from runtime.recording import studio as studios
from runtime.recording.desk import Desk, Film, Inbox, Over, Raised
from runtime.recording.packets import Flow
from runtime.recording.studio import Studio
from runtime.service.lines import Lines
from runtime.sources.feed import Feeds
from runtime.sources.frame import Frame
from runtime.sources.packets import Header, Packet
from tests.unit.runtime.stored import event

LADDER = {"detect": "rtsp://h/small", "attention": "ladder"}
MASK = ((0.0, 0.0), (0.25, 0.0), (0.25, 0.5))
SHORT = {"pre_roll": 2.0, "post_roll": 3.0}


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Tap:
    """Connects to nothing."""

    opened: list[str]

    def __init__(self, av: Any, camera: str, address: Any, *more: Any, **named: Any) -> None:
        self.opened.append(address.target)
        self.flow = Flow(lambda packet, header: None)

    def start(self) -> None: ...

    def close(self) -> None: ...


class Place:
    """A studio that a test gives shots and events, and works them off when it is told to."""

    def __init__(self, camera: dict[str, Any], **recording: Any) -> None:
        self.clock, self.inbox, self.desk, self.feeds = Clock(), Inbox(), Desk(), Feeds()
        self.settings = self.of(camera, **recording)
        self.studio = Studio(
            self.inbox, self.desk, lambda: self.settings, self.feeds, Lines(lambda line: None), self.clock
        )
        self.taker = self.feeds.of("yard").connection()

    @staticmethod
    def of(camera: dict[str, Any], **recording: Any) -> WatchSettings:
        cameras = {"yard": CameraSettings(**camera)}
        return WatchSettings(
            sites={"": SiteSettings(cameras=cameras)}, recording=RecordingSettings(**{**SHORT, **recording})
        )

    def shoot(self) -> None:
        frame = Frame(np.zeros((48, 64, 3), np.uint8), 0.0, 0, self.clock.now_s, "yard")
        self.inbox.put(Shot(frame))
        self.work()

    def work(self) -> None:
        """What its thread does when something comes."""
        settings = self.studio._follow()
        while (message := self.inbox.take(0.0)) is not None:
            self.studio._take(message, settings)
        self.studio._hand_on()


@pytest.fixture(autouse=True)
def taps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    Tap.opened = []
    monkeypatch.setattr(studios, "Tap", Tap)
    monkeypatch.setattr(studios, "pyav", lambda: ModuleType("av"))
    return Tap.opened


@pytest.mark.parametrize("attention", ["full", "ladder"])
def test_a_camera_that_is_read_by_its_packets_is_listened_to_and_no_other_connection_made(
    attention: str, taps: list[str]
) -> None:
    place = Place({**LADDER, "attention": attention})
    assert place.taker() is None
    place.shoot()
    assert place.taker() is not None
    assert taps == []


@pytest.mark.parametrize(
    ("camera", "recording", "tapped"),
    [
        ({"detect": "rtsp://h/small", "decoder": "opencv"}, {}, ["rtsp://h/small"]),
        ({**LADDER, "record": "rtsp://h/large"}, {}, ["rtsp://h/large"]),
        ({"detect": "http://h/x", "attention": "ladder"}, {}, ["http://h/x"]),
        ({"detect": "0", "attention": "ladder"}, {}, []),
        # What is masked must not be stored.
        ({**LADDER, "masks": (MASK,)}, {}, []),
        (LADDER, {"packets": "off"}, []),
        (LADDER, {"clips": False}, []),
    ],
)
def test_all_others_are_not(
    camera: dict[str, Any], recording: dict[str, Any], tapped: list[str], taps: list[str]
) -> None:
    place = Place(camera, **recording)
    place.shoot()
    assert place.taker() is None
    assert taps == tapped


def test_without_pyav_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studios, "pyav", lambda: None)
    place = Place(LADDER)
    place.shoot()
    assert place.taker() is None


def test_a_clip_is_of_the_packets_that_came_before_and_after_and_pictures_only_while_it_is_made() -> None:
    place, header = Place(LADDER), Header("h264", b"")
    place.shoot()

    def seconds(count: int) -> None:
        for _ in range(count):
            place.clock.now_s += 1.0
            take = place.taker()
            assert take is not None
            take(Packet(place.clock.now_s, b"1234", True, 0, 0), header)

    seconds(5)
    assert not place.studio.wants("yard")
    raised_s = place.clock.now_s
    fire = event(raised_s=raised_s, ended_s=None)
    place.inbox.put(Raised(fire, 0.0))
    place.work()
    assert place.studio.wants("yard")
    seconds(2)
    place.inbox.put(Over(event(id=fire.id, raised_s=raised_s, ended_s=raised_s + 1.0)))
    seconds(5)
    place.work()
    job = place.desk.take()
    assert isinstance(job, Film)
    assert [packet.at_s - raised_s for packet in job.take.packets] == [-2, -1, 0, 1, 2, 3, 4]
    assert job.take.header is header


def test_a_reload_ends_the_listening_and_begins_it_without_the_camera_being_opened_anew(taps: list[str]) -> None:
    place = Place(LADDER, clips=False)
    place.shoot()
    assert place.taker() is None
    place.settings = place.of(LADDER)
    place.shoot()
    assert place.taker() is not None
    place.settings = place.of({"detect": "rtsp://h/small", "decoder": "opencv"})
    place.work()
    assert place.taker() is None
    place.shoot()
    assert taps == ["rtsp://h/small"]
