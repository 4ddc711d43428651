"""A source that finds frames in encoded packets: what nobody looks at is not decoded.

A packet that is no key frame needs those since the last one to be decoded. While frames are passed over, the packets of
the group of pictures are kept, so that from one frame to the next every frame can be had again: then what was passed
over is decoded in one go. Where packets come in another order than their pictures (B-frames), one that is passed over
has the time of the picture that a decoder would have given then.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from types import ModuleType
from typing import Any

from runtime.sources.address import Address
from runtime.sources.backlog import Arrivals
from runtime.sources.cores import on_a_core
from runtime.sources.decoded import AvFrame
from runtime.sources.demuxer import Demuxer
from runtime.sources.feed import Taker, nobody
from runtime.sources.file import FileClock
from runtime.sources.hardware import Decoder
from runtime.sources.outage import Outage
from runtime.sources.packets import header_of, is_suitable, packet_of, stands_alone

# Of a group of pictures that is passed over: 16 s at 8 Mbit/s. A longer one is decoded after all, since the next key
# frame may never come.
_MOST_KEPT_BYTES = 16_000_000
# Timestamps that go back so far begin anew: the camera's clock was set.
_LEAP_S = 5.0
# After a frame that could not be decoded when it was asked for, so much is decoded as it comes: it may be damaged, or
# the camera may have no key frames that stand alone (intra refresh).
_WHOLE_S = 60.0
# So much that nobody has asked for is decoded at once when somebody does, at most: some 10 ms of work.
_MOST_DEFERRED_S = 0.25


class PacketSource:
    """Frames of a network stream or a video file by PyAV; see Source. Most are decoded when they are retrieved.

    A frame that the decoder has kept back (B-frames) has the time at which it was captured all the same.
    """

    def __init__(
        self,
        av: ModuleType,
        address: Address,
        open_timeout_s: float,
        read_timeout_s: float,
        taker: Taker = nobody,
        decoder: Decoder = "cpu",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connect. Raises Outage. `taker`: who is given each packet as it comes, where clips can be made of them."""
        self.name, self.live = address.name, address.live
        self.skip_s = self._key_period_s = 0.0
        self._av, self._clock = av, clock
        # Many cameras send a key frame only every 10 s, and nothing can be decoded before it.
        self._patience_s = open_timeout_s + read_timeout_s
        self._remedy = "set it to H.264 or H.265"
        if decoder not in ("cpu", "auto"):
            # A device that knows a codec need not know all its kinds, such as 10 bits.
            self._remedy += ", or write decoder: auto"
        self._demuxer = Demuxer(av, address, open_timeout_s, read_timeout_s, clock, decoder)
        self._context = self._demuxer.stream.codec_context
        self._group = _Group(av, self._context)
        self._is_suitable = is_suitable(self._context)
        self._taker = taker if self._is_suitable else nobody
        self._header = header_of(self._context)
        self.fps = self._demuxer.fps
        self._arrivals = Arrivals(clock) if self.live else None
        self._file_clock = FileClock(self.fps)
        self._newest_s = self._dts_s = self._told_s = self._whole_until_s = float("-inf")
        self._key_s: float | None = None
        # Up to which time of the stream frames were passed over, while those that follow may be older.
        self._passed_s: float | None = None
        self._passing = False
        self._decoded: deque[Any] = deque()
        self._frame: Any = None
        self._at_key = self._deferred = self._begun = self._drained = False
        # Of a file, the first frame is found before it counts as open.
        self._ahead_s: float | None = None
        if not self.live:
            self._ahead_s = self._advance()
            if self._ahead_s is None:
                self.close()
                raise Outage(self.name, "codec", "a video without a single frame; give another file")

    @property
    def demux_cpu_s(self) -> float:
        """The processor's time that finding packets has taken, in seconds."""
        return self._demuxer.cpu_s

    @property
    def decoder(self) -> str:
        """What decodes, as the demuxer tells."""
        return self._demuxer.decoder

    @property
    def at_hand(self) -> bool:
        """Whether the frame that was grabbed last is decoded, or can be."""
        return self._frame is not None or self._at_key or self._deferred

    @property
    def key_period_s(self) -> float:
        """Seconds to the next frame at hand, as far as the last key frames tell, while others are passed over."""
        return min(self._key_period_s, self.skip_s) if self._passing else 0.0

    def grab(self) -> float | None:
        """Go to the next frame, as Source says; of a stream with timestamps that lie, their age is not known."""
        if self._ahead_s is not None:
            time_s, self._ahead_s = self._ahead_s, None
            return time_s
        return self._advance()

    def retrieve(self) -> AvFrame | None:
        """The frame that was grabbed last; None when it cannot be decoded. Its size may change."""
        if self._at_key or self._deferred:
            with self._turn():
                self._frame = self._group.key_frame() if self._at_key else self._caught_up()
            self._begun, self._at_key, self._deferred = True, False, False
            if self._frame is None:
                self._whole_until_s = self._newest_s + _WHOLE_S
        try:
            return None if self._frame is None else AvFrame(self._frame)
        except (self._av.error.FFmpegError, ValueError):
            return None

    def close(self) -> None:
        """Let go of the camera. May be called twice."""
        self._demuxer.close()

    def _advance(self) -> float | None:
        self._frame, self._at_key, self._deferred = None, False, False
        started_s = self._clock()
        while not self._decoded:
            packet = self._demuxer.next()
            if packet is None:
                if self._drained:
                    return None
                self._drained = True
                if not self._passing or self.skip_s == 0.0:
                    self._keep(chain(self._group.decode(), self._group.rest()))
                continue
            stamp_s = self._notice(packet)
            if self._arrivals is not None and not self._arrivals.joined:
                # Without timestamps what waited cannot be told from what comes.
                self._passed_s = self._dts_s if math.isfinite(self._dts_s) else None
                continue
            if self._is_passed_over(stamp_s):
                return self._pass_over(packet, stamp_s)
            if self._may_wait(stamp_s):
                self._deferred, self._passing, self._passed_s = True, False, stamp_s
                return self._time_s(stamp_s)
            with self._turn():
                self._keep(self._group.decode())
            if self.live and not self._decoded and self._clock() - started_s > self._patience_s:
                advice = f"nothing could be decoded for {self._patience_s:.0f} s; {self._remedy}"
                raise Outage(self.name, "codec", advice)
        self._frame, self._begun, self._passing = self._decoded.popleft(), True, False
        return self._time_s(self._stamp_s(self._frame))

    def _turn(self) -> AbstractContextManager[None]:
        """While a core decodes for it. A device needs none, and may hang."""
        return on_a_core() if self.decoder == "cpu" else nullcontext()

    def _keep(self, frames: Iterable[Any]) -> None:
        """Keep decoded frames for grabbing, but none from before what was passed over last."""
        for frame in frames:
            if self._passed_s is None or self._stamp_s(frame) > self._passed_s:
                if self.live:
                    # Of what comes at once the newest is of now; and the decoder never gives back the memory of as many
                    # frames as were held at one time.
                    self._decoded.clear()
                self._decoded.append(frame)
                self._passed_s = None

    def _notice(self, packet: Any) -> float:
        """Keep a new packet for the decoder, and hand it on; its frame's time in the stream."""
        stamp_s = due_s = self._stamp_s(packet)
        # The first of an MKV may have no time of decoding.
        if packet.dts is not None:
            due_s = self._demuxer.seconds(packet.dts)
            if due_s <= self._dts_s:
                # The stream's time begins anew, or stands still and says nothing. What was passed over stays so.
                self._group.catch_up()
                self._key_s = self._passed_s = None
                # Held against a time of before, each frame would be old until the stream has come there again.
                self._newest_s, self._whole_until_s = stamp_s, float("-inf")
            self._dts_s = due_s
        if packet.is_keyframe:
            if self._key_s is not None and stamp_s > self._key_s:
                self._key_period_s = stamp_s - self._key_s
            self._key_s = stamp_s
        self._newest_s = stamp_s if stamp_s < self._newest_s - _LEAP_S else max(self._newest_s, stamp_s)
        if packet.is_keyframe and not self._passing and not self._stands_alone(packet):
            # What follows may refer to what was before, whatever a key frame is called (intra refresh).
            self._group.catch_up()
        self._group.add(packet)
        at_s = 0.0 if self._arrivals is None else self._arrivals.came(due_s)
        # The first packets of a connection may have no time at all, and have no place in a clip then.
        timed = packet.dts is not None or packet.pts is not None
        if timed and (take := self._taker()) is not None:
            take(packet_of(packet, at_s, self._demuxer.time_base), self._header)
        return stamp_s

    def _stands_alone(self, packet: Any) -> bool:
        """Whether what still waits for the decoder need not be decoded any more: nobody has asked for it."""
        return self._is_suitable and stands_alone(packet, self._context.name)

    def _is_passed_over(self, stamp_s: float) -> bool:
        """Whether the newest frame need not be decoded: the first must be, and what has no time or an old key frame."""
        if not self._begun or self._key_s is None or self._group.is_full or self._dts_s <= self._whole_until_s:
            return False
        return stamp_s - self._key_s <= self.skip_s > 0.0

    def _may_wait(self, stamp_s: float) -> bool:
        """Whether the newest frame need not be decoded before somebody wants it: it comes of its own packet then."""
        if not self._begun or self._context.has_b_frames or self._dts_s <= self._whole_until_s:
            return False
        oldest = self._group.oldest
        return oldest is not None and stamp_s - self._stamp_s(oldest) < _MOST_DEFERRED_S

    def _caught_up(self) -> Any | None:
        """The frame of the newest packet, after all that the decoder was not given yet."""
        frame = self._group.catch_up()
        # An older one: the newest is damaged, or they come in another order than they said.
        return None if frame is None or self._stamp_s(frame) < self._newest_s else frame

    def _pass_over(self, packet: Any, stamp_s: float) -> float:
        """Leave the newest packet undecoded; the time of the frame that it stands for."""
        self._at_key, self._passing = bool(packet.is_keyframe), True
        shown_s = stamp_s if self._at_key else self._dts_s
        self._passed_s = shown_s if self._passed_s is None else max(self._passed_s, shown_s)
        if self._at_key or self._arrivals is not None:
            return self._time_s(shown_s)
        self._told_s = max(self._told_s, shown_s - self._demuxer.start_s)
        return self._told_s

    def _stamp_s(self, found: Any) -> float:
        """The time of a packet's or a decoded frame's picture, as the stream states it."""
        ticks = found.dts if found.pts is None else found.pts
        return self._newest_s if ticks is None else self._demuxer.seconds(ticks)

    def _time_s(self, stamp_s: float) -> float:
        if self._arrivals is None:
            self._told_s = max(self._told_s, self._file_clock.time_s(stamp_s - self._demuxer.start_s))
            return self._told_s
        return self._arrivals.captured_s(max(0.0, self._newest_s - stamp_s))


class _Group:
    """The group of pictures that comes: decoded as it is asked for, and never without its beginning."""

    def __init__(self, av: ModuleType, context: Any) -> None:
        self._av, self._context = av, context
        # What the decoder was not given yet, in order; None while the group's beginning is missing.
        self._kept: deque[Any] | None = None
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether no more should be kept back from the decoder."""
        return self._bytes > _MOST_KEPT_BYTES

    @property
    def oldest(self) -> Any | None:
        """The first packet that the decoder was not given yet."""
        return self._kept[0] if self._kept else None

    def add(self, packet: Any) -> None:
        """One more packet."""
        if packet.is_keyframe:
            if self._kept is None or self._kept:
                # The decoder would look for the frames that it was not given.
                self._forget()
            self._kept, self._bytes = deque([packet]), packet.size
        elif self._kept is not None:
            self._kept.append(packet)
            self._bytes += packet.size

    def decode(self) -> Iterator[Any]:
        """Give the decoder what it lacks; the frames that come of it, one by one, since all of them may be many."""
        while self._kept:
            yield from self._given(self._kept.popleft())
        self._bytes = 0

    def catch_up(self) -> Any | None:
        """Give the decoder what it lacks; the last frame that comes of it."""
        newest = deque(self.decode(), maxlen=1)
        return newest[0] if newest else None

    def key_frame(self) -> Any | None:
        """The frame of the key packet that came last, now."""
        if not self._kept or len(self._kept) != 1:
            return None
        if self._context.has_b_frames:
            # What it has kept back are older frames.
            self._forget()
        frames = self._given(self._kept[0])
        if frames:
            self._kept.clear()
        else:
            # The decoder waits for those that might belong before it: it has to give what it has, and begin anew.
            frames = list(self.rest())
            self._forget()
        return frames[-1] if frames else None

    def rest(self) -> Iterator[Any]:
        """What the decoder has kept back."""
        yield from self._given(None)

    def _given(self, packet: Any | None) -> list[Any]:
        try:
            return list(self._context.decode(packet))
        except (self._av.error.FFmpegError, ValueError):
            # Damaged: the decoder makes do with what comes after it.
            return []

    def _forget(self) -> None:
        if self._context.is_open:
            self._context.flush_buffers()
