"""The studio: a thread that makes JPEGs of what was judged, keeps each camera's tape, and hands on what is complete."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import cv2

from edge_resnet.errors import UserError
from runtime.cameras.shot import Shot, Undecodable
from runtime.config.settings import CameraSettings, WatchSettings
from runtime.recording.desk import Desk, Film, Inbox, Message, Over, Raised
from runtime.recording.packets import Listener, Tap
from runtime.recording.reel import Picture
from runtime.recording.snapshot import encoded
from runtime.recording.take import Tape
from runtime.service.logs import Log
from runtime.sources.address import Address
from runtime.sources.feed import Feeds
from runtime.sources.packets import pyav

_TICK_S = 0.5
# A file of which no look comes any more is at its end, or its gate is closed.
_IDLE_S = 30.0
# The clips of a file wait for those before them.
_PATIENCE_S = 10.0
_WITH_PACKETS = ("rtsp:", "rtsps:", "http:", "https:")


@dataclass
class _Station:
    """A camera's tape, and where its packets come from, if they do."""

    camera: CameraSettings
    tape: Tape
    supply: Listener | Tap | None

    @property
    def wants_pictures(self) -> bool:
        """Packets are better; beside them pictures are made while a clip is, for the connection may be lost."""
        return self.supply is None or not self.supply.flow.usable or self.tape.filming


class Studio(threading.Thread):
    """Takes shots and events from `inbox`, and puts clips on `desk`. `settings` may change at any time.

    `feeds`: the packets of cameras that the watch reads by their packets.
    """

    def __init__(
        self,
        inbox: Inbox,
        desk: Desk,
        settings: Callable[[], WatchSettings],
        feeds: Feeds,
        log: Log,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(name="recording pictures", daemon=True)
        self._inbox, self._desk, self._settings, self._feeds = inbox, desk, settings, feeds
        self._log, self._clock = log, clock
        self._stations: dict[str, _Station] = {}
        self._followed: WatchSettings | None = None
        self._av = pyav()

    def wants(self, camera: str) -> bool:
        """Whether a picture of a camera is of any use now. For the main thread."""
        station = self._stations.get(camera)
        return station is None or station.wants_pictures

    def run(self) -> None:
        while not self._inbox.drained:
            message = self._inbox.take(_TICK_S)
            try:
                settings = self._follow()
                if message is not None:
                    self._take(message, settings)
            except (UserError, Undecodable, cv2.error, ValueError, MemoryError) as error:
                self._log.error("not recorded", reason=f"{type(error).__name__}: {error}")
            self._hand_on()
        for name in list(self._stations):
            self._leave(name)

    def _take(self, message: Message, settings: WatchSettings) -> None:
        camera = message.frame.camera if isinstance(message, Shot) else message.event.camera
        station = self._station(camera, settings)
        if station is None:
            return
        now_s = self._clock()
        if isinstance(message, Raised):
            station.tape.begin(message.event, message.offset_s, now_s)
        elif isinstance(message, Over):
            station.tape.ended(message.event)
        elif station.wants_pictures:
            recording, frame = station.tape.settings, message.frame
            data = encoded(frame.fitted(recording.width), recording.quality)
            station.tape.add_picture(Picture(frame.captured_s if station.tape.live else frame.time_s, data), now_s)

    def _station(self, name: str, settings: WatchSettings) -> _Station | None:
        """The station of a camera, begun with its first shot: by then the watch has its own connection."""
        if name not in self._stations:
            camera, recording = settings.cameras().get(name), settings.recording
            if camera is None or not recording.clips:
                return None
            tape = Tape(Address.parse(camera.detect).live, recording)
            supply = self._supply(name, camera, tape)
            self._stations[name] = _Station(camera, tape, supply)
            if supply is not None:
                supply.start()
        return self._stations[name]

    def _supply(self, name: str, camera: CameraSettings, tape: Tape) -> Listener | Tap | None:
        """Where the packets of a camera come from; None where there are none, or they may not be stored."""
        address = Address.parse(camera.record or camera.detect)
        # What is masked must not be stored, and packets cannot be masked.
        if self._av is None or tape.settings.packets == "off" or camera.masks or not address.live:
            return None
        if camera.record is None and camera.packet_decoder is not None:
            return Listener(self._feeds.of(name), tape.add_packet, self._clock)
        if not address.target.lower().startswith(_WITH_PACKETS):
            return None
        timeouts = camera.open_timeout, camera.read_timeout
        return Tap(self._av, name, address, tape.add_packet, *timeouts, tell=self._log.warning, clock=self._clock)

    def _follow(self) -> WatchSettings:
        """The settings that hold; after a reload, cameras that are gone or changed begin anew with their next shot."""
        settings = self._settings()
        if settings is not self._followed:
            self._followed, cameras = settings, settings.cameras()
            for name, station in list(self._stations.items()):
                if settings.recording != station.tape.settings or cameras.get(name) != station.camera:
                    self._leave(name)
        return settings

    def _leave(self, name: str) -> None:
        """End a camera's tape; what was gathered becomes clips as it stands."""
        station = self._stations.pop(name)
        if station.supply is not None:
            station.supply.close()
        self._put(station, float("inf"))

    def _hand_on(self) -> None:
        for station in self._stations.values():
            self._put(station, self._clock())

    def _put(self, station: _Station, now_s: float) -> None:
        for take in station.tape.finished(now_s, _IDLE_S):
            self._desk.put(Film(take, station.camera.rate), 0.0 if station.tape.live else _PATIENCE_S)
