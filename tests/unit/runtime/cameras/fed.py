"""A camera and its reading thread, with sources that the test controls frame by frame."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

import numpy as np

from runtime.cameras.backoff import Backoff
from runtime.cameras.camera import Camera, News
from runtime.cameras.shot import Shot
from runtime.pace import Pace
from runtime.sources.address import Address
from runtime.sources.frame import EveryFrame, Frame, Image
from runtime.sources.outage import Outage

LIVE = Address("url", "rtsp://yard/1", "rtsp://yard/1")
FILE = Address("file", "clip.avi", "clip.avi")
PICTURE = np.zeros((4, 6, 3), np.uint8)


class Fed(EveryFrame):
    """A source that gives what the test feeds: times of frames, an Outage to raise, None for the end."""

    name, fps = "rtsp://yard/1", 10.0

    def __init__(self, live: bool) -> None:
        self.live = live
        self.food: queue.Queue[float | Outage | None] = queue.Queue()
        self.retrieved = 0
        self.decodes = True
        self.closed = threading.Event()
        self.held = threading.Event()

    def grab(self) -> float | None:
        told = self.food.get()
        if isinstance(told, Outage):
            raise told
        return told

    def retrieve(self) -> Image | None:
        self.retrieved += 1
        return PICTURE.copy() if self.decodes else None

    def close(self) -> None:
        self.closed.set()


class Plain:
    """Makes shots without measuring anything."""

    def make(self, frame: Frame, due: bool) -> Shot:
        return Shot(frame, None, frame.image if due else None)


class Rig:
    """A camera whose sources come from a queue: a source, or an Outage for an attempt that fails."""

    def __init__(
        self, address: Address, looks: Pace | None, pictures: Pace | None = None, by_answers: bool = False
    ) -> None:
        self.sources: queue.Queue[Fed | Outage] = queue.Queue()
        self.bell, self.now_s = threading.Event(), 50.0
        self.camera = Camera(
            "yard",
            address,
            Plain(),  # type: ignore[arg-type]
            looks,
            pictures,
            self.bell,
            open_timeout_s=1.0,
            read_timeout_s=1.0,
            open=self._open,
            backoff=lambda: Backoff(lambda: 0.0),
            clock=lambda: self.now_s,
            by_answers=by_answers,
        )
        self.camera.start()

    def _open(self, address: Address, open_timeout_s: float, read_timeout_s: float) -> Fed:
        told = self.sources.get()
        if isinstance(told, Outage):
            raise told
        return told

    def until(self, holds: Callable[[News], bool]) -> News:
        """Wait until the camera's news are so."""
        waited = threading.Event()
        for _ in range(2000):
            if holds(news := self.camera.news()):
                return news
            waited.wait(0.005)
        raise AssertionError(self.camera.news())


def feed(rig: Rig, *food: float | Outage | None) -> Fed:
    source = Fed(rig.camera.live)
    for each in food:
        source.food.put(each)
    rig.sources.put(source)
    return source
