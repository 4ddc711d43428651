"""A camera that a test feeds frame by frame, and a watch of such cameras with a clock that the test moves."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_resnet.errors import UserError
from runtime.assembly import Assembly
from runtime.backends import Backend
from runtime.config.settings import CameraSettings, SiteSettings, WatchSettings
from runtime.events.event import Event
from runtime.events.incident import Incident
from runtime.events.journal import Decider
from runtime.events.patient import PatientStore
from runtime.events.store import EventStore
from runtime.incidents import Incidents
from runtime.inference import Inference
from runtime.look import Look
from runtime.outputs.output import Output
from runtime.screen import Screen
from runtime.service.lines import Lines
from runtime.service.metrics import Metrics
from runtime.sources.address import Address
from runtime.sources.frame import EveryFrame, Image
from runtime.sources.outage import Outage
from runtime.trust import Engine
from runtime.watch import Limits, Watch
from tests.stand_ins import MODEL, Brightness

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)


class Frames(EveryFrame):
    """A source of flat frames, `fps` a second; live ones come when the test says so. Fails at its end where told to."""

    name = "fed"

    def __init__(self, brightness: list[int], live: bool = False, failure: Outage | None = None) -> None:
        self.brightness, self.live, self.failure = brightness, live, failure
        self.fps, self._number = 10.0, -1
        self.food: queue.Queue[tuple[float, int] | Outage] = queue.Queue()
        self._value = 0

    def grab(self) -> float | None:
        if self.live:
            told = self.food.get()
            if isinstance(told, Outage):
                raise told
            captured_s, self._value = told
            return captured_s
        self._number += 1
        if self._number == len(self.brightness):
            if self.failure:
                raise self.failure
            return None
        self._value = self.brightness[self._number]
        return self._number / self.fps

    def retrieve(self) -> Image:
        return np.full((48, 64, 3), self._value, np.uint8)

    def close(self) -> None: ...


class Recorder(Output):
    """Keeps all it is told, and what the store held at that moment."""

    def __init__(self, store: EventStore | None = None) -> None:
        self.store = store
        self.looks: list[Look] = []
        self.events: list[Event] = []
        self.incidents: list[Incident] = []
        self.stored: list[list[Event]] = []
        self.pictures: list[tuple[float, npt.NDArray[np.uint8]]] = []

    def look(self, look: Look) -> None:
        self.looks.append(look)

    def event(self, event: Event) -> None:
        self.events.append(event)
        if self.store is not None:
            self.stored.append(self.store.events())

    def incident(self, incident: Incident) -> None:
        self.incidents.append(incident)

    def picture(self, image: npt.NDArray[np.uint8], time_s: float) -> None:
        self.pictures.append((time_s, image))


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Room:
    """A guard room: a watch of fed cameras. `cameras`: sources by name; `settings`: of single cameras."""

    def __init__(
        self,
        store: EventStore,
        cameras: dict[str, Frames],
        *outputs: Output,
        limits: Limits | None = None,
        open_backend: Callable[[frozenset[Engine]], Backend] = lambda without: Brightness(),
        screen: bool = False,
        clock: Callable[[], float] | None = None,
        wall: Callable[[], datetime] = lambda: NOW,
        whole: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        """`settings`: of every camera; `whole`: of the watch, such as alarms and schedules."""
        self.sources, self.clock = cameras, clock or Clock()
        self.said: list[str] = []
        log = Lines(self.said.append)
        self.store = PatientStore(store, log.error)
        self.bell = threading.Event()
        watched = {
            name: CameraSettings(detect=_address(store.path.parent, name, source.live), **settings)
            for name, source in cameras.items()
        }
        self.assembly = Assembly(
            settings=WatchSettings(sites={"": SiteSettings(cameras=watched)}, **(whole or {})),
            model=MODEL,
            decider=Decider("0" * 64, "brightness", "fp32"),
            store=self.store,
            bell=self.bell,
            pictures_per_s=1000.0 if screen else None,
            clock=self.clock,
            wall=wall,
            open=self._open,
            open_packets=self._open,
        )
        self.metrics = Metrics()
        self.watch = Watch(
            channels=self.assembly.channels(),
            model=MODEL,
            inference=Inference(open_backend, self.bell, clock=self.clock),
            incidents=Incidents(self.store, outputs, log, wall),
            outputs=list(outputs),
            screen=Screen(MODEL, outputs, None) if screen else None,
            metrics=self.metrics,
            log=log,
            bell=self.bell,
            limits=limits or Limits(),
            clock=self.clock,
        )
        self.watch.inference.start()

    def run(self) -> None:
        """Watch to the end."""
        try:
            self.watch.run()
        finally:
            self.watch.inference.close()

    def _open(self, address: Address, open_timeout_s: float, read_timeout_s: float, *packets: object) -> Frames:
        return self.sources[address.target.rpartition("/")[2]]


def _address(folder: Path, name: str, live: bool) -> str:
    if live:
        return f"rtsp://fed/{name}"
    (folder / name).touch()
    return str(folder / name)


class Guarded:
    """A room whose watch runs on a thread of its own, store and all, until the block ends."""

    ended_by: UserError | None = None

    def __init__(self, folder: Path, cameras: dict[str, Frames], **options: Any) -> None:
        self.recorder, self._cameras = Recorder(), cameras
        self.clock = Clock()
        self._options, self._folder = options, folder
        self._made = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with EventStore(self._folder / "events.sqlite") as store:
            self.room = Room(store, self._cameras, self.recorder, clock=self.clock, **self._options)
            self._made.set()
            try:
                self.room.run()
            except UserError as error:
                self.ended_by = error

    def __enter__(self) -> Guarded:
        self._thread.start()
        assert self._made.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self.room.watch.stop()
        for source in self._cameras.values():
            source.food.put(Outage("yard", "gone", "the test is over"))
        self._thread.join(20)

    def until(self, holds: Callable[[], bool]) -> None:
        waited = threading.Event()
        for _ in range(2000):
            if holds():
                return
            waited.wait(0.005)
        raise AssertionError("never so")
