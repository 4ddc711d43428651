"""The thread that reads a camera: opens it, grabs every frame, makes shots of those that are due, opens it again."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from runtime.cameras.backoff import Backoff
from runtime.cameras.shot import Maker, Shot, Undecodable
from runtime.sources.address import Address
from runtime.sources.frame import Decoded, Frame, Image, Source
from runtime.sources.outage import Outage

# Opens a source, given the time-outs for opening and reading in seconds.
Open = Callable[[Address, float, float], Source]

# What a reading thread's time of the processor is booked on.
STAGES = ("demux", "decode", "scale")
# Why a shot that was due never reached the main thread.
DROPPED = ("superseded", "undecodable")
# So many frames in a row that cannot be made into a picture are no video.
_MOST_BAD = 50
# How much longer than the time-outs of the source a call may take before its thread is taken for hanging.
GRACE_S = 5.0


@dataclass(frozen=True)
class Came:
    """A frame that came: its time in the stream, its number, whether it is due for a look, and for people."""

    time_s: float
    index: int
    due: bool
    shown: bool


class Mailbox(Protocol):
    """What a reader needs of its camera, and where it leaves what it has. One that was replaced is not listened to.

    `ending`: set when the thread is to end. `dropped`: counts by reason, of DROPPED. `cpu_s`: the processor's time by
    stage. `decoder`: of the newest frame (see Source).
    """

    name: str
    address: Address
    live: bool
    open_timeout_s: float
    read_timeout_s: float
    open: Open
    maker: Maker
    backoff: Backoff
    clock: Callable[[], float]
    ending: threading.Event
    dropped: Counter[str]
    cpu_s: dict[str, float]
    decoder: str

    def is_read_by(self, reader: Reader) -> bool:
        """Whether the thread is to go on."""

    def may_skip_s(self) -> float:
        """For how long after a key frame frames may be passed over at the next grab (see Source)."""

    def came(self, reader: Reader, now_s: float, grabbed_s: float, at_hand: bool, next_s: float) -> Came | None:
        """A frame came, `grabbed_s` as the source says. None when the thread is to end.

        `at_hand`: it can be retrieved. `next_s`: seconds until the next that can; 0 for at once.
        """

    def put(self, reader: Reader, shot: Shot, shown: bool) -> None:
        """Leave a shot, for people too where `shown`."""

    def lost(self, reader: Reader, outage: Outage, now_s: float) -> None:
        """There is no connection, or no more."""

    def ended(self, reader: Reader) -> None:
        """A file or folder is at its end."""


class Reader(threading.Thread):
    """Reads one camera until it is asked to end, its file ends, or another reader takes its place."""

    def __init__(self, camera: Mailbox) -> None:
        super().__init__(name=f"camera {camera.name}", daemon=True)
        self._camera = camera
        self._beat_s = camera.clock()
        self._limit_s = 0.0

    def hangs(self, now_s: float) -> bool:
        """Whether a call into a library has taken longer than it ever may."""
        return self.is_alive() and now_s - self._beat_s > self._limit_s

    def run(self) -> None:
        camera = self._camera
        while camera.is_read_by(self):
            try:
                self._read_once()
            except Outage as outage:
                camera.lost(self, outage, camera.clock())
            # Libraries that read cameras fail in ways that nobody has foreseen, and the next attempt may work.
            except Exception as error:
                advice = f"it cannot be read here ({type(error).__name__})"
                camera.lost(self, Outage(camera.name, "resources", advice), camera.clock())
            else:
                camera.ended(self)
                return
            if not camera.live:
                camera.ended(self)
                return
            self._pause(camera.backoff.failed(camera.clock()))

    def _pause(self, seconds: float) -> None:
        self._calls(seconds)
        self._camera.ending.wait(seconds)

    def _calls(self, limit_s: float) -> None:
        """A call that may take `limit_s` begins now."""
        self._limit_s = limit_s + GRACE_S
        self._beat_s = self._camera.clock()

    def _read_once(self) -> None:
        """One connection, or the whole file. Raises Outage when a live source stops."""
        camera = self._camera
        # A failed attempt is asked why, which takes as long again.
        self._calls(2 * camera.open_timeout_s + camera.read_timeout_s)
        source = camera.open(camera.address, camera.open_timeout_s, camera.read_timeout_s)
        try:
            self._grab_all(source)
        finally:
            source.close()

    def _grab_all(self, source: Source) -> None:
        camera, bad = self._camera, 0
        # A source may try twice, and may wait for the first frame as long again as for the opening.
        limit_s = 2 * (camera.open_timeout_s + camera.read_timeout_s)
        while True:
            self._calls(limit_s)
            source.skip_s = camera.may_skip_s()
            grabbed_s = self._grabbed(source)
            now_s = camera.clock()
            limit_s = 2 * camera.read_timeout_s
            if grabbed_s is None:
                return
            if source.at_hand:
                # Packets that are passed over are many, and change nothing of it.
                camera.decoder = source.decoder
            came = camera.came(self, now_s, grabbed_s, source.at_hand, source.key_period_s)
            if came is None:
                return
            if not came.due and not came.shown:
                continue
            shot = self._made(source, came, grabbed_s if camera.live else now_s)
            if shot is None:
                camera.dropped["undecodable"] += 1
                bad += 1
                if bad >= _MOST_BAD:
                    raise Outage(camera.name, "codec", "its frames cannot be decoded; is it H.264, H.265 or MJPEG?")
                continue
            bad = 0
            camera.put(self, shot, came.shown)

    def _made(self, source: Source, came: Came, captured_s: float) -> Shot | None:
        """The shot of the frame that was grabbed last; None when no picture can be made of it."""
        camera, picture = self._camera, self._retrieved(source)
        if picture is None:
            return None
        cpu_s = time.thread_time()
        try:
            return camera.maker.make(Frame(picture, came.time_s, came.index, captured_s, camera.name), came.due)
        except Undecodable:
            return None
        finally:
            camera.cpu_s["scale"] += time.thread_time() - cpu_s

    def _retrieved(self, source: Source) -> Image | Decoded | None:
        """Retrieve, and book what it took: of key frames the decoding, of OpenCV's the way out of YUV."""
        cpu_s = time.thread_time()
        picture = source.retrieve()
        self._camera.cpu_s["scale" if isinstance(picture, np.ndarray) else "decode"] += time.thread_time() - cpu_s
        return picture

    def _grabbed(self, source: Source) -> float | None:
        """Grab, and book what it took: FFmpeg decodes while it grabs."""
        cpu_s, demux_cpu_s = time.thread_time(), source.demux_cpu_s
        try:
            return source.grab()
        finally:
            demuxed_s = source.demux_cpu_s - demux_cpu_s
            self._camera.cpu_s["demux"] += demuxed_s
            self._camera.cpu_s["decode"] += time.thread_time() - cpu_s - demuxed_s
