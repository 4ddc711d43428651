"""Puts a camera's channel together from its settings: source, mask, gate, rules, journal, sight and ledger."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from edge_resnet.manifest import ModelSpec
from runtime.attention import Attention
from runtime.cameras.camera import Camera
from runtime.cameras.gate import Gate
from runtime.cameras.ledger import Ledger
from runtime.cameras.mask import Mask
from runtime.cameras.reader import Open
from runtime.cameras.shot import Maker
from runtime.cameras.sight import Sight
from runtime.channel import PERIODS, Channel
from runtime.config.armed import armed
from runtime.config.rules import rules, severity_of, zones
from runtime.config.settings import CameraSettings, WatchSettings
from runtime.events.journal import Decider, EventWriter, Journal, Route, nobody, utc_now
from runtime.events.patient import PatientStore
from runtime.events.prompt import PromptStore
from runtime.judge import Judge
from runtime.pace import Pace
from runtime.scorebook import ScoreBook
from runtime.sources import OpenPackets, feed, open_packets, open_source
from runtime.sources.address import Address
from runtime.sources.feed import Feeds
from runtime.sources.frame import Source
from runtime.sources.hardware import Decoder


@dataclass
class Assembly:
    """What all channels of a watch share. `settings`, `decider` and `mode` may be exchanged while it runs.

    `pictures_per_s`: how many pictures people are shown of each camera; None for none. `route`: the sinks of a notice.
    `mode`: what a person has put in force. `feeds`: the packets of live cameras that are read by them, for clips.
    """

    settings: WatchSettings
    model: ModelSpec
    decider: Decider
    store: PatientStore
    bell: threading.Event
    pictures_per_s: float | None
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], datetime] = utc_now
    open: Open = open_source
    open_packets: OpenPackets = open_packets
    route: Route = nobody
    mode: str | None = None
    feeds: Feeds = field(default_factory=Feeds)

    def channels(self) -> dict[str, Channel]:
        """The channels of all cameras, not yet started."""
        return {name: self.channel(name) for name in self.settings.cameras()}

    def channel(self, name: str) -> Channel:
        """The channel of one camera. Raises CameraError when its address is none."""
        camera = _with_gate(self.settings.cameras()[name])
        mask = Mask(camera.masks)
        maker = Maker(mask, self.model.input.preprocess)
        # With a stream for people's eyes, the one that is classified makes no pictures for them.
        pictures = self._pictures() if camera.record is None else None
        source = self._camera(name, camera.detect, camera, maker, Pace(camera.rate), pictures)
        now_s, live = self.clock(), source.live
        gap_s = max(camera.blindness.stale_after, PERIODS / camera.rate)
        stopped = self.store.booked_until().get(name) if live else None
        # A file can be watched again; a live camera is watched on, whatever the disk does.
        writer: EventWriter = self.store if live else PromptStore(self.store)
        journal = Journal(
            writer,
            name,
            self.decider,
            live,
            # A camera that is opened anew begins its stream's time anew.
            str(uuid.uuid4()),
            self.wall,
            self.route,
            # Of now: a reload that changes only this leaves the camera alone.
            severity=lambda alarm: severity_of(self.settings, alarm),
        )
        judge = self._judge(camera)
        return Channel(
            camera=source,
            recorded=self._recorded(name, camera, maker),
            settings=camera,
            judge=judge,
            journal=journal,
            scores=ScoreBook(journal, judge, self.model.labels),
            gate=Gate(camera.gate, camera.heartbeat, mask),
            sight=Sight(camera.blindness, now_s) if live else None,
            ledger=Ledger(name, now_s, self.wall, stopped, gap_s) if live else None,
            armed=partial(self._armed, name),
            attention=self._attention(camera),
        )

    @staticmethod
    def _attention(camera: CameraSettings) -> Attention | None:
        """The ladder of a camera whose frames can be passed over, where it may come down for want of power at least."""
        if camera.packet_decoder is None:
            return None
        return Attention(camera.ladder, camera.rate, camera.heartbeat, always=not camera.on_ladder)

    def _recorded(self, name: str, camera: CameraSettings, maker: Maker) -> Camera | None:
        """The large stream of a camera, where it has one and somebody looks."""
        if camera.record is None or self.pictures_per_s is None:
            return None
        return self._camera(name, camera.record, camera, maker, None, self._pictures())

    def _camera(
        self,
        name: str,
        address: str,
        camera: CameraSettings,
        maker: Maker,
        looks: Pace | None,
        pictures: Pace | None,
    ) -> Camera:
        climbs = looks is not None and camera.on_ladder
        decoder = camera.packet_decoder if looks is not None else None
        return Camera(
            name,
            Address.parse(address),
            maker,
            looks,
            pictures,
            self.bell,
            open_timeout_s=camera.open_timeout,
            read_timeout_s=camera.read_timeout,
            open=self.open if decoder is None else partial(self._open_packets, name, bool(camera.masks), decoder),
            clock=self.clock,
            by_answers=climbs,
        )

    def _open_packets(
        self,
        name: str,
        masked: bool,
        decoder: Decoder,
        address: Address,
        open_timeout_s: float,
        read_timeout_s: float,
    ) -> Source:
        taker = self.feeds.of(name).connection()
        if masked:
            # Packets cannot be masked, and who recorded the camera before a reload still listens for a moment.
            taker = feed.nobody
        return self.open_packets(address, open_timeout_s, read_timeout_s, taker, decoder)

    def _pictures(self) -> Pace | None:
        return None if self.pictures_per_s is None else Pace(self.pictures_per_s)

    def _judge(self, camera: CameraSettings) -> Judge:
        return Judge(self.model, rules(self.settings, camera, self.model.alarms), zones(camera, self.model))

    def _armed(self, name: str, alarm: str) -> bool:
        return armed(self.settings, name, alarm, self.wall(), self.mode)


def _with_gate(camera: CameraSettings) -> CameraSettings:
    """The settings of a camera: where there are no packets, the gate is the ladder."""
    if camera.attention != "ladder" or camera.on_ladder:
        return camera
    return camera.model_copy(update={"gate": camera.gate.model_copy(update={"enabled": True})})
