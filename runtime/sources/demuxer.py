"""PyAV's demultiplexer: the encoded packets of a stream or file, with its time limits and errors as outages."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from types import ModuleType
from typing import Any

from runtime.sources.address import Address
from runtime.sources.capture import believable_fps
from runtime.sources.diagnosis import diagnose, short_of_resources
from runtime.sources.hardware import DEVICES, Decoder, accelerator
from runtime.sources.outage import Outage

# As OpenCV's FFmpeg is told to (runtime/sources/capture.py); and a camera need not send what nobody hears.
_OPTIONS = {"rtsp_transport": "tcp", "fpsprobesize": "0", "allowed_media_types": "video"}
# Decoded, a frame of so many pixels takes 100 MB. No camera has one; who asks for it wants the memory of this box.
_MOST_PIXELS = 8192 * 8192
_MAX_FPS = 1000.0


class Demuxer:
    """An open stream's packets, one by one. `stream`: PyAV's, of the first video in it, which decodes on one thread;
    `time_base`: seconds of a tick of its timestamps.

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
        self._container = self._opened(open_timeout_s, decoder)
        self.stream: Any = next(iter(self._container.streams.video), None)
        try:
            self._ready(None if self.stream is None else self.stream.codec_context)
        except Outage:
            self.close()
            raise
        assert self.stream is not None
        base = Fraction(self.stream.time_base)
        self.time_base, self._numerator, self._denominator = base, base.numerator, base.denominator
        # Of a live stream all packets, since PyAV's time limit begins anew with each, whatever it is of.
        self._packets = self._container.demux(*(() if address.live else (self.stream,)))

    def _opened(self, open_timeout_s: float, decoder: Decoder) -> Any:
        """PyAV's container."""
        av, address, started_s = self._av, self._address, self._clock()
        try:
            hwaccel = accelerator(av, decoder)
        except ValueError as error:
            raise Outage(address.name, "resources", str(error)) from None
        try:
            # Titles and the like are in any encoding, and nobody reads them here.
            return av.open(
                address.target,
                options=self._options,
                timeout=(open_timeout_s, None if address.is_rtsp else self._read_timeout_s),
                metadata_errors="replace",
                hwaccel=hwaccel,
            )
        # FFmpeg's errors are of many classes, and tell the address with its password.
        except (av.error.FFmpegError, OSError, ValueError):
            if address.live:
                raise diagnose(address, open_timeout_s, self._clock() - started_s) from None
            raise short_of_resources(address.name) or self._no_video() from None
        # A device was named that does not know this codec.
        except RuntimeError:
            advice = f"no {decoder} decoder for its codec; write decoder: cpu, or auto"
            raise Outage(address.name, "codec", advice) from None

    @property
    def _options(self) -> dict[str, str]:
        """FFmpeg's. An RTSP stream waits for its socket by FFmpeg's own clock.

        For PyAV's, FFmpeg asks Python whether the time is over with every few bytes that it reads, and each time waits
        for the lock that only one thread of Python may hold: of forty cameras most of the time that demuxing takes.
        """
        own = {"timeout": str(round(1e6 * self._read_timeout_s))} if self._address.is_rtsp else {}
        return {**_OPTIONS, **own} if self._address.live else {}

    def _ready(self, context: Any) -> None:
        """Prepare the decoder; without a codec context FFmpeg knows none."""
        if context is None:
            raise self._no_video()
        if context.width * context.height > _MOST_PIXELS:
            size = f"{context.width} x {context.height} pixels"
            raise Outage(self._address.name, "codec", f"{size} are more than can be watched; set it to a smaller size")
        # What becomes larger later on is damaged, or refused by the decoder.
        context.options = {"max_pixels": str(_MOST_PIXELS)}
        # On n threads a frame comes only when n - 1 more have come (docs/decisions/0022-sources.md).
        context.thread_count = 1
        context.thread_type = "NONE"

    @property
    def fps(self) -> float:
        """Frames a second, as the stream states them; 25 where it states none, or no sensible number."""
        return believable_fps(float(self.stream.average_rate or self.stream.guessed_rate or 0), _MAX_FPS)

    @property
    def decoder(self) -> str:
        """What decodes: cpu, or a device; known for certain once a frame was, for a device may not know its kind."""
        # FFmpeg calls its pictures as the device: cuda, vaapi, videotoolbox_vld.
        kind = str(self.stream.codec_context.pix_fmt)
        return next((device for device in DEVICES if kind.startswith(device)), "cpu")

    @property
    def start_s(self) -> float:
        """The time of the first frame, as the container states it."""
        return self.seconds(self.stream.start_time or 0)

    def seconds(self, ticks: int) -> float:
        """The time that a timestamp of a packet or a frame of this stream tells."""
        # The nearest number, as of a Fraction, which would take longer than all else that is done with a packet.
        return ticks * self._numerator / self._denominator

    def next(self) -> Any | None:
        """The next packet of the video; None at the end of a file. Raises Outage when a live stream stops."""
        started_s, cpu_s = self._clock(), time.thread_time()
        try:
            for packet in self._packets:
                if packet.size and packet.stream_index == self.stream.index:
                    return packet
                # Sound may go on when the pictures do not.
                if self._address.live and self._clock() - started_s > self._read_timeout_s:
                    raise self._silent(self._clock() - started_s)
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
            return self._silent(silent_s)
        return Outage(self._address.name, "gone", f"the connection broke ({type(error).__name__}); is it still on?")

    def _silent(self, silent_s: float) -> Outage:
        advice = f"no video for {silent_s:.0f} s; is it still on, is the network well?"
        return Outage(self._address.name, "timeout", advice)

    def _no_video(self) -> Outage:
        return Outage(
            self._address.name, "codec", "not a video that FFmpeg can open; give another, or convert this one"
        )
