"""A camera's encoded packets on their way to a tape, and clips of them, not encoded again.

They come of the connection by which the camera is watched, where that has packets; else of one that only demultiplexes.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

from runtime.cameras.backoff import Backoff
from runtime.sources.address import Address
from runtime.sources.backlog import Arrivals
from runtime.sources.demuxer import Demuxer
from runtime.sources.feed import Feed
from runtime.sources.outage import Outage
from runtime.sources.packets import TICKS_PER_S, Header, Packet, Take, header_of, is_suitable, packet_of

# Without a packet for so long, clips are made of pictures.
_STALE_S = 3.0
_NO_PACKETS = "no packets, clips are made of pictures"

Clock = Callable[[], float]


class Flow:
    """Hands packets on to `take`, and knows whether they come. Any thread may ask it."""

    def __init__(self, take: Take, clock: Clock = time.monotonic) -> None:
        self._take, self._clock = take, clock
        self._header: Header | None = None
        self._began = False
        self._came_s = float("-inf")

    @property
    def usable(self) -> bool:
        """Whether packets come that a clip can be made of."""
        return self._clock() - self._came_s < _STALE_S

    def give(self, packet: Packet, header: Header) -> None:
        """One more packet, of the connection that `header` is of."""
        if header is not self._header:
            self._header, self._began = header, False
        # Before its first key frame nothing of a connection can be decoded.
        self._began = self._began or packet.key
        self._take(packet, header)
        if self._began:
            self._came_s = self._clock()


class Listener:
    """Gives the packets of a camera to `take` that the watch reads itself: no other connection is made.

    `flow`: what has come of them.
    """

    def __init__(self, feed: Feed, take: Take, clock: Clock = time.monotonic) -> None:
        self._feed, self.flow = feed, Flow(take, clock)

    def start(self) -> None:
        """Begin to listen."""
        self._feed.listen(self.flow.give)

    def close(self) -> None:
        """Listen no longer."""
        self._feed.listen(None)


class Tap(threading.Thread):
    """Gives the packets of a camera to `take`, connecting again and again until it is closed.

    Whatever befalls it, the watch of the camera has a connection of its own. `flow`: what has come of them.
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
        clock: Clock = time.monotonic,
    ) -> None:
        """`camera`: how it is called where people read."""
        super().__init__(name=f"packets {camera}", daemon=True)
        self._av, self._camera, self._address = av, camera, address
        self._timeouts = (open_timeout_s, read_timeout_s)
        self._tell, self._clock = tell, clock
        self.flow = Flow(take, clock)
        self._ending = threading.Event()

    def close(self) -> None:
        """Ask the thread to end. Returns at once."""
        self._ending.set()

    def run(self) -> None:
        backoff = Backoff()
        while not self._ending.is_set():
            try:
                if not self._read_once(backoff):
                    return
            except (Outage, MemoryError) as error:
                reason = error.reason if isinstance(error, Outage) else type(error).__name__
                self._tell(_NO_PACKETS, camera=self._camera, reason=reason)
            self._ending.wait(backoff.failed(self._clock()))

    def _read_once(self, backoff: Backoff) -> bool:
        """One connection. Whether another is worth to be tried when it has ended. Raises Outage."""
        with closing(Demuxer(self._av, self._address, *self._timeouts, self._clock)) as demuxer:
            context = demuxer.stream.codec_context
            if not is_suitable(context):
                what = f"{context.name} in {demuxer.stream.container.format.name}"
                self._tell(_NO_PACKETS, camera=self._camera, reason=what)
                return False
            header, arrivals = header_of(context), Arrivals(self._clock)
            while not self._ending.is_set() and (found := demuxer.next()) is not None:
                ticks = found.pts if found.dts is None else found.dts
                if ticks is not None:
                    at_s = arrivals.came(demuxer.seconds(ticks))
                    self.flow.give(packet_of(found, at_s, demuxer.time_base), header)
                    if self.flow.usable:
                        backoff.succeeded()
        return True


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
        stream.time_base = Fraction(1, TICKS_PER_S)
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
