"""The cameras of a configuration, each opened once, all at the same time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from types import ModuleType

from edge_resnet.errors import CameraError
from runtime.cameras.reader import Open
from runtime.checkup.item import Item
from runtime.checkup.key_frames import KeyFrames, key_frames, longest_s
from runtime.config.settings import CameraSettings, WatchSettings
from runtime.sources import OpenPackets, open_packets, open_source
from runtime.sources.address import Address
from runtime.sources.feed import nobody
from runtime.sources.frame import Source
from runtime.sources.outage import Outage
from runtime.sources.packets import pyav

_PART = "configured cameras"
# Somebody sits and waits.
_TIMEOUT_S = 5.0
# For what heeds no time-out of ours, such as a device whose driver hangs.
_LAST_ANSWER_S = 20.0


@dataclass(frozen=True)
class _Stream:
    """`classified`: of which camera it is the stream that is looked at; None for people's eyes."""

    name: str
    address: str = field(repr=False)
    limits: tuple[float, float]
    classified: CameraSettings | None

    @property
    def climbs(self) -> bool:
        """Whether its frames may be passed over."""
        return self.classified is not None and self.classified.on_ladder


@dataclass(frozen=True)
class Doors:
    """What opens streams: as the watch does, with and without the ladder; `av`, PyAV, tells of key frames."""

    frames: Open = open_source
    packets: OpenPackets = open_packets
    av: ModuleType | None = field(default_factory=pyav)


def configured(
    settings: WatchSettings, doors: Doors | None = None, last_answer_s: float = _LAST_ANSWER_S
) -> Iterator[Item]:
    """Whether each stream of each camera gives a frame, in the order of the configuration."""
    doors = doors or Doors()
    streams = [stream for name, camera in settings.cameras().items() for stream in _streams(name, camera)]
    if doors.av is not None:
        last_answer_s += max(longest_s(_glance_within_s(camera)) for camera in settings.cameras().values())
    answers: queue.SimpleQueue[tuple[str, Item]] = queue.SimpleQueue()
    for stream in streams:
        # Daemons: one that hangs in a driver must not keep this program from ending.
        threading.Thread(
            target=lambda stream=stream: answers.put((stream.name, _try(stream, doors))), daemon=True
        ).start()
    items: dict[str, Item] = {}
    end_s = time.monotonic() + last_answer_s
    while len(items) < len(streams):
        try:
            name, item = answers.get(timeout=max(0.0, end_s - time.monotonic()))
        except queue.Empty:
            break
        items[name] = item
    silent = f"no answer within {last_answer_s:g} s"
    for stream in streams:
        yield items.get(stream.name) or Item(_PART, stream.name, "problem", silent, "unplug it, or turn it off and on")


def _streams(name: str, camera: CameraSettings) -> Iterator[_Stream]:
    limits = min(camera.open_timeout, _TIMEOUT_S), min(camera.read_timeout, _TIMEOUT_S)
    yield _Stream(name, camera.detect, limits, camera)
    if camera.record is not None:
        yield _Stream(f"{name} (record)", camera.record, limits, None)


def _try(stream: _Stream, doors: Doors) -> Item:
    """Open, take one frame, close; then see what the packets tell."""
    try:
        address = Address.parse(stream.address)
        found = _first_frame(stream, address, doors)
        if found is None:
            return Item(_PART, stream.name, "problem", "opens, but gives no picture", "is it a video?")
        return _attended(stream, found, _key_frames(stream, address, doors.av))
    except Outage as error:
        return Item(_PART, stream.name, "problem", *_halves(error.why))
    except CameraError as error:
        return Item(_PART, stream.name, "problem", *_halves(str(error)))
    except Exception as error:  # the others are still to be told of
        return Item(_PART, stream.name, "problem", f"fails in a way of its own ({type(error).__name__})", "report it")


def _first_frame(stream: _Stream, address: Address, doors: Doors) -> str | None:
    """What there is to tell of the first frame; None where there is no picture of it. Raises Outage."""
    begun_s = time.monotonic()
    with closing(_opened(stream, address, doors)) as source:
        picture = source.retrieve() if source.grab() is not None else None
        took_s = time.monotonic() - begun_s
        if picture is None:
            return None
        height, width = picture.shape[:2]
        rate = f", {source.fps:g} frames a second" if _states_rate(address) else ""
        return f"{width} x {height} pixels{rate}, the first frame after {took_s:.1f} s"


def _opened(stream: _Stream, address: Address, doors: Doors) -> Source:
    decoder = None if stream.classified is None else stream.classified.packet_decoder
    if decoder is None:
        return doors.frames(address, *stream.limits)
    return doors.packets(address, *stream.limits, nobody, decoder)


def _key_frames(stream: _Stream, address: Address, av: ModuleType | None) -> KeyFrames | None:
    """How far apart the key frames are of what is classified, where it has packets, and PyAV is there to find them."""
    if stream.classified is None or av is None or not address.has_packets:
        return None
    return key_frames(av, address, *stream.limits, _glance_within_s(stream.classified))


def _glance_within_s(camera: CameraSettings) -> float:
    """So long after a key frame those that need it may be passed over."""
    return min(camera.ladder.glance_within, camera.heartbeat)


def _attended(stream: _Stream, found: str, keys: KeyFrames | None) -> Item:
    """A stream that gives frames, with what is told of its packets and of the ladder."""
    camera = stream.classified
    if camera is None:
        return Item(_PART, stream.name, "ok", found)
    gate = " by its gate" if camera.attention == "ladder" and not stream.climbs else ""
    told = f"{found}{f', {keys}' if keys else ''}, attention: {camera.attention}{gate}"
    live = Address.parse(stream.address).live
    if not (live and stream.climbs) or keys is None or keys.apart_s <= _glance_within_s(camera):
        return Item(_PART, stream.name, "ok", told)
    advice = "set the camera's key frame (I-frame, GOP) interval to 1 or 2 s, or all frames between are decoded"
    return Item(_PART, stream.name, "warning", told, advice)


def _halves(text: str) -> tuple[str, str]:
    """What is wrong, and what to do."""
    what, _, advice = text.partition("; ")
    return what, advice


def _states_rate(address: Address) -> bool:
    """Whether the rate is the stream's own: MJPEG by HTTP has none, and FFmpeg makes one up; nor have pictures."""
    return address.kind in ("device", "file") or address.target.lower().startswith("rtsp")
