"""A camera's encoded packets, by a connection that only demultiplexes; and clips of them, not encoded again."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

from runtime.cameras.backoff import Backoff
from runtime.sources.address import Address
from runtime.sources.backlog import Backlog

# What MP4 holds and players play; MJPEG has no packets that are smaller than the pictures.
CODECS = ("h264", "hevc")
# As OpenCV's FFmpeg is told to (runtime/sources/capture.py).
_OPTIONS = {"rtsp_transport": "tcp", "fpsprobesize": "0"}
# Without a packet for so long, clips are made of pictures.
_STALE_S = 3.0
# The finest that MP4's players count, and of RTP's video.
_TICKS_PER_S = 90_000
_NO_PACKETS = "no packets, clips are made of pictures"


@dataclass(frozen=True)
class Header:
    """What a decoder has to know of one connection's packets: parameter sets before them, with start codes."""

    codec: str
    extradata: bytes


@dataclass(frozen=True)
class Packet:
    """`at_s`: when it was captured, on the monotonic clock. `pts`, `dts`: ticks of 1/90,000 s."""

    at_s: float
    data: bytes
    key: bool
    pts: int
    dts: int


Take = Callable[[Packet, Header], None]


class Tap(threading.Thread):
    """Gives the packets of a camera to `take`, connecting again and again until it is closed.

    Whatever befalls it, the watch of the camera has a connection of its own.
    """

    def __init__(
        self,
        av: ModuleType,
        camera: str,
        address: Address,
        take: Take,
        open_timeout_s: float,
        read_timeout_s: float,
        tell: Callable[..., None] = lambda event, **fields: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`camera`: how it is called where people read."""
        super().__init__(name=f"packets {camera}", daemon=True)
        self._av, self._camera, self._address, self._take = av, camera, address, take
        self._timeouts = (open_timeout_s, read_timeout_s)
        self._tell, self._clock = tell, clock
        self._ending = threading.Event()
        self._came_s = float("-inf")

    @property
    def flows(self) -> bool:
        """Whether packets come that a clip can be made of."""
        return self._clock() - self._came_s < _STALE_S

    def close(self) -> None:
        """Ask the thread to end. Returns at once."""
        self._ending.set()

    def run(self) -> None:
        backoff = Backoff()
        while not self._ending.is_set():
            try:
                if not self._read_once(backoff):
                    return
            # FFmpeg's errors are of many classes, and tell the address with its password.
            except (self._av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
                self._tell(_NO_PACKETS, camera=self._camera, reason=type(error).__name__)
            self._ending.wait(backoff.failed(self._clock()))

    def _read_once(self, backoff: Backoff) -> bool:
        """One connection. Whether another is worth to be tried when it has ended."""
        with self._av.open(self._address.target, options=_OPTIONS, timeout=self._timeouts) as container:
            stream: Any = next(iter(container.streams.video), None)
            if stream is None or not _is_suitable(stream.codec_context):
                what = "no video" if stream is None else f"{stream.codec_context.name} in {container.format.name}"
                self._tell(_NO_PACKETS, camera=self._camera, reason=what)
                return False
            header = Header(stream.codec_context.name, bytes(stream.codec_context.extradata or b""))
            backlog, began = Backlog(), False
            for found in container.demux(stream):
                if self._ending.is_set():
                    return False
                if found.size and (found.dts is not None or found.pts is not None):
                    packet = _packet(found, self._clock(), backlog, stream.time_base)
                    began = began or packet.key
                    self._take(packet, header)
                    if began:
                        backoff.succeeded()
                        self._came_s = self._clock()
        return True


def pyav() -> ModuleType | None:
    """PyAV, where it is installed."""
    try:
        import av
        import av.error
        import av.logging
    except ImportError:
        return None
    # Its FFmpeg would write to standard error, with passwords.
    av.logging.set_level(None)
    module: ModuleType = av
    return module


def remux(av: ModuleType, path: Path, packets: Sequence[Packet], header: Header) -> None:
    """Write packets into an MP4 at `path`. Raises FFmpeg's errors (OSError among them) and ValueError.

    They begin with a key frame; the first is at 0 seconds.
    """
    # What the camera's stream is like, told by its beginning: its connection may be closed by now.
    beginning = io.BytesIO(header.extradata + packets[0].data)
    with (
        av.open(beginning, format=header.codec) as like,
        av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container,
    ):
        stream: Any = container.add_stream_from_template(like.streams.video[0])
        stream.time_base = Fraction(1, _TICKS_PER_S)
        if header.codec == "hevc":
            # Apple's players know no other.
            stream.codec_context.codec_tag = "hvc1"
        first, last = packets[0].dts, -1
        for packet in packets:
            # Cameras repeat timestamps, which no container takes.
            last = max(packet.dts - first, last + 1)
            made = av.Packet(packet.data)
            made.dts, made.pts = last, max(packet.pts - first, last)
            made.time_base, made.is_keyframe, made.stream = stream.time_base, packet.key, stream
            container.mux(made)


def plays(av: ModuleType, path: Path) -> bool:
    """Whether the first frame of a file can be decoded."""
    with suppress(av.error.FFmpegError, OSError, ValueError), av.open(str(path)) as container:
        return any(True for _ in container.decode(video=0))
    return False


def _is_suitable(context: Any) -> bool:
    """Whether packets are of a codec that MP4 holds, and each begins with a start code, not with its length."""
    return context.name in CODECS and bytes(context.extradata or b"")[:1] != b"\x01"


def _packet(found: Any, now_s: float, backlog: Backlog, base: Fraction) -> Packet:
    ticks = base * _TICKS_PER_S
    dts = found.pts if found.dts is None else found.dts
    pts = dts if found.pts is None else found.pts
    at_s = now_s - backlog.update(now_s, float(dts * base))
    return Packet(at_s, bytes(found), bool(found.is_keyframe), round(pts * ticks), round(dts * ticks))
