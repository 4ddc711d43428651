"""PyAV's demultiplexer: the encoded packets of a stream or file, with its time limits and errors as outages."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from types import ModuleType
from typing import Any

from runtime.sources.address import Address
from runtime.sources.diagnosis import diagnose, short_of_resources
from runtime.sources.hardware import Decoder, accelerator
from runtime.sources.outage import Outage

# As OpenCV's FFmpeg is told to (runtime/sources/capture.py).
OPTIONS = {"rtsp_transport": "tcp", "fpsprobesize": "0"}
_MAX_FPS = 1000.0
_USUAL_FPS = 25.0


class Demuxer:
    """An open stream's packets, one by one. `stream`: PyAV's, of the first video in it, which decodes on one thread.

    `cpu_s`: the processor's time that it has taken.
    """

    def __init__(
        self,
        av: ModuleType,
        address: Address,
        open_timeout_s: float,
        read_timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
        decoder: Decoder = "cpu",
    ) -> None:
        """Open it, within `open_timeout_s` seconds and some for finding out why it does not. Raises Outage."""
        self._av, self._address, self._read_timeout_s, self._clock = av, address, read_timeout_s, clock
        self.cpu_s = 0.0
        started_s = clock()
        options = OPTIONS if address.live else {}
        try:
            hwaccel = accelerator(av, decoder)
        except ValueError as error:
            raise Outage(address.name, "resources", str(error)) from None
        try:
            # Titles and the like are in any encoding, and nobody reads them here.
            self._container = av.open(
                address.target,
                options=options,
                timeout=(open_timeout_s, read_timeout_s),
                metadata_errors="replace",
                hwaccel=hwaccel,
            )
        # FFmpeg's errors are of many classes, and tell the address with its password.
        except (av.error.FFmpegError, OSError, ValueError):
            if address.live:
                raise diagnose(address, open_timeout_s, clock() - started_s) from None
            raise short_of_resources(address.name) or self._no_video() from None
        # A device was named that does not know this codec.
        except RuntimeError:
            advice = f"no {decoder} decoder for its codec; write decoder: cpu, or auto"
            raise Outage(address.name, "codec", advice) from None
        self.stream: Any = next(iter(self._container.streams.video), None)
        # Without a codec context FFmpeg knows no decoder for it.
        if self.stream is None or self.stream.codec_context is None:
            self.close()
            raise self._no_video()
        # On n threads a frame comes only when n - 1 more have come (docs/decisions/0022-sources.md).
        self.stream.codec_context.thread_count = 1
        self.stream.codec_context.thread_type = "NONE"
        self._packets = self._container.demux(self.stream)

    @property
    def fps(self) -> float:
        """Frames a second, as the stream states them; 25 where it states none, or no sensible number."""
        stated = float(self.stream.average_rate or self.stream.guessed_rate or 0)
        return stated if 0.0 < stated <= _MAX_FPS else _USUAL_FPS

    @property
    def time_base(self) -> Fraction:
        """Seconds of a tick of the packets' timestamps."""
        return Fraction(self.stream.time_base)

    @property
    def start_s(self) -> float:
        """The time of the first frame, as the container states it."""
        return float((self.stream.start_time or 0) * self.stream.time_base)

    def next(self) -> Any | None:
        """The next packet; None at the end of a file. Raises Outage when a live stream stops."""
        started_s, cpu_s = self._clock(), time.thread_time()
        try:
            for packet in self._packets:
                if packet.size:
                    return packet
        # IndexError: PyAV 18 finds no end of a stream that appeared while the file was read (MPEG-TS).
        except (self._av.error.FFmpegError, OSError, ValueError, IndexError) as error:
            if self._address.live:
                raise self._stopped(error, self._clock() - started_s) from None
        finally:
            self.cpu_s += time.thread_time() - cpu_s
        if self._address.live:
            raise Outage(self._address.name, "gone", "the stream has ended; is the camera still on?")
        # What cannot be read any more is the end of a file.
        return None

    def close(self) -> None:
        """Close it. May be called twice."""
        self._container.close()

    def _stopped(self, error: Exception, silent_s: float) -> Outage:
        if silent_s >= 0.9 * self._read_timeout_s:
            advice = f"no packet for {silent_s:.0f} s; is it still on, is the network well?"
            return Outage(self._address.name, "timeout", advice)
        return Outage(self._address.name, "gone", f"the connection broke ({type(error).__name__}); is it still on?")

    def _no_video(self) -> Outage:
        return Outage(
            self._address.name, "codec", "not a video that FFmpeg can open; give another, or convert this one"
        )
