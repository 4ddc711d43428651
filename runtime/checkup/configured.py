"""The cameras of a configuration, each opened once, all at the same time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from edge_resnet.errors import CameraError
from runtime.cameras.reader import Open
from runtime.checkup.item import Item
from runtime.config.settings import CameraSettings, WatchSettings
from runtime.sources import open_source
from runtime.sources.address import Address
from runtime.sources.outage import Outage

_PART = "configured cameras"
# Somebody sits and waits.
_TIMEOUT_S = 5.0
# For what heeds no time-out of ours, such as a device whose driver hangs.
_LAST_ANSWER_S = 20.0


@dataclass(frozen=True)
class _Stream:
    name: str
    address: str = field(repr=False)
    open_timeout_s: float
    read_timeout_s: float


def configured(
    settings: WatchSettings, open_: Open = open_source, last_answer_s: float = _LAST_ANSWER_S
) -> Iterator[Item]:
    """Whether each stream of each camera gives a frame, in the order of the configuration."""
    streams = [stream for name, camera in settings.cameras().items() for stream in _streams(name, camera)]
    answers: queue.SimpleQueue[tuple[str, Item]] = queue.SimpleQueue()
    for stream in streams:
        # Daemons: one that hangs in a driver must not keep this program from ending.
        threading.Thread(
            target=lambda stream=stream: answers.put((stream.name, _try(stream, open_))), daemon=True
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
    yield _Stream(name, camera.detect, *limits)
    if camera.record is not None:
        yield _Stream(f"{name} (record)", camera.record, *limits)


def _try(stream: _Stream, open_: Open) -> Item:
    """Open, take one frame, close."""
    begun_s = time.monotonic()
    try:
        address = Address.parse(stream.address)
        source = open_(address, stream.open_timeout_s, stream.read_timeout_s)
        try:
            image = source.retrieve() if source.grab() is not None else None
            took_s = time.monotonic() - begun_s
            if image is None:
                return Item(_PART, stream.name, "problem", "opens, but gives no picture", "is it a video?")
            height, width = image.shape[:2]
            rate = f", {source.fps:g} frames a second" if _states_rate(address) else ""
            found = f"{width} x {height} pixels{rate}, the first frame after {took_s:.1f} s"
            return Item(_PART, stream.name, "ok", found)
        finally:
            source.close()
    except Outage as error:
        return Item(_PART, stream.name, "problem", *_halves(error.why))
    except CameraError as error:
        return Item(_PART, stream.name, "problem", *_halves(str(error)))
    except Exception as error:  # the others are still to be told of
        return Item(_PART, stream.name, "problem", f"fails in a way of its own ({type(error).__name__})", "report it")


def _halves(text: str) -> tuple[str, str]:
    """What is wrong, and what to do."""
    what, _, advice = text.partition("; ")
    return what, advice


def _states_rate(address: Address) -> bool:
    """Whether the rate is the stream's own: MJPEG by HTTP has none, and FFmpeg makes one up; nor have pictures."""
    return address.kind in ("device", "file") or address.target.lower().startswith("rtsp")
