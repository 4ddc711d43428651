"""A take: what is gathered for the clip of one event; and a tape: the reels and open takes of one camera."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from runtime.config.recording import RecordingSettings
from runtime.events.event import Event
from runtime.events.media import Cut
from runtime.recording.reel import Picture, Reel
from runtime.sources.packets import Header, Packet

# More than this of one clip is not gathered: a minute of 8 Mbit/s.
_MOST_CLIP_BYTES = 64_000_000
# Before an event, of one camera.
_MOST_REEL_BYTES = 32_000_000
# What a camera sends may be this late, and the reel has to reach back to the look that is judged later still.
GRACE_S = 2.0


@dataclass
class Take:
    """Of `event`, which may still be held. Times are the camera's: of a live one of the monotonic clock, else of its
    stream. `offset_s`: from the stream's time to that.

    `until_s`: where the clip ends, `latest_s`: at the latest, `wanted_s`: where it would end otherwise, infinite while
    the event is held. `header`: of the packets. `size`: in bytes. `full_s`: of the first piece that was too much.
    `idle_s`: since when, by the clock, nothing has come. `cut`: why it ends before it should.
    """

    event: Event
    offset_s: float
    from_s: float
    until_s: float
    latest_s: float
    pictures: list[Picture] = field(default_factory=list)
    packets: list[Packet] = field(default_factory=list)
    header: Header | None = None
    size: int = 0
    idle_s: float = 0.0
    wanted_s: float = math.inf
    full_s: float = math.inf
    cut: Cut | None = None

    @classmethod
    def of(cls, event: Event, offset_s: float, settings: RecordingSettings) -> Take:
        """Begin one for an event that was raised just now."""
        raised_s = event.raised_s + offset_s
        from_s = raised_s - settings.pre_roll
        latest_s = from_s + settings.max_length
        return cls(event, offset_s, from_s, latest_s, latest_s)

    @property
    def raised_s(self) -> float:
        return self.event.raised_s + self.offset_s

    def ended(self, event: Event, settings: RecordingSettings) -> None:
        """The event is over, which is when the clip's end is known."""
        self.event = event
        if event.ended_s is not None:
            self.wanted_s = event.ended_s + self.offset_s + settings.post_roll
            self.until_s = min(self.latest_s, self.wanted_s)
            # That it is over was only known some quiet seconds later.
            self.pictures = [picture for picture in self.pictures if picture.at_s <= self.until_s]
            self.packets = [packet for packet in self.packets if packet.at_s <= self.until_s]

    def add_picture(self, picture: Picture) -> None:
        """One more, where it still belongs to the clip."""
        if self._has_room(picture.at_s, picture.data):
            self.pictures.append(picture)

    def add_packet(self, packet: Packet, header: Header) -> None:
        """One more; those of another connection do not fit to the ones before."""
        if header is self.header and self._has_room(packet.at_s, packet.data):
            self.packets.append(packet)

    def covered_s(self, pieces: Sequence[Picture] | Sequence[Packet]) -> float:
        """How much of the clip the pieces show; nothing when they do not show the look that raised the event."""
        if not pieces or pieces[0].at_s > self.raised_s or pieces[-1].at_s < self.raised_s:
            return 0.0
        return min(pieces[-1].at_s, self.until_s) - max(pieces[0].at_s, self.from_s)

    def _has_room(self, at_s: float, data: bytes) -> bool:
        if at_s > self.until_s:
            return False
        if self.size + len(data) > _MOST_CLIP_BYTES:
            self.full_s = min(self.full_s, at_s)
            return False
        self.size += len(data)
        return True


class Tape:
    """What is recorded of one camera. Any thread may use it.

    `live`: whether its time is the monotonic clock's.
    """

    def __init__(self, live: bool, settings: RecordingSettings) -> None:
        self.live, self.settings = live, settings
        seconds = settings.pre_roll + GRACE_S
        self._pictures: Reel[Picture] = Reel(seconds, _MOST_REEL_BYTES)
        self._packets: Reel[Packet] = Reel(seconds, _MOST_REEL_BYTES)
        self._header: Header | None = None
        self._takes: dict[str, Take] = {}
        self._lock = threading.Lock()
        self._newest_s = float("-inf")

    @property
    def filming(self) -> bool:
        """Whether a clip is being gathered."""
        return bool(self._takes)

    def add_picture(self, picture: Picture, now_s: float) -> None:
        """A picture that was judged."""
        with self._lock:
            self._pictures.add(picture)
            self._newest_s = picture.at_s
            for take in self._takes.values():
                take.idle_s = now_s
                take.add_picture(picture)

    def add_packet(self, packet: Packet, header: Header) -> None:
        """A packet of the connection that `header` is of."""
        with self._lock:
            if header is not self._header:
                self._header = header
                self._packets.clear()
            self._packets.add(packet)
            for take in self._takes.values():
                take.add_packet(packet, header)

    def begin(self, event: Event, offset_s: float, now_s: float) -> None:
        """An event was raised: gather a clip, from what is there on."""
        take = Take.of(event, offset_s, self.settings)
        take.idle_s = now_s
        with self._lock:
            take.header = self._header
            for picture in self._pictures.since(take.from_s):
                take.add_picture(picture)
            for packet in self._packets.since(take.from_s):
                if self._header is not None:
                    take.add_packet(packet, self._header)
            self._takes[event.id] = take

    def ended(self, event: Event) -> None:
        """An event is over."""
        with self._lock:
            if take := self._takes.get(event.id):
                take.ended(event, self.settings)

    def finished(self, now_s: float, idle_after_s: float) -> list[Take]:
        """The takes whose end has come, which are no longer kept here: of a live camera by the clock, else by what
        came, or when nothing has come for `idle_after_s` seconds.
        """
        with self._lock:
            done = [take for take in self._takes.values() if self._is_over(take, now_s, idle_after_s)]
            for take in done:
                del self._takes[take.event.id]
                # One that a reload ends has come to no bound.
                if take.full_s <= take.until_s:
                    take.cut = "size"
                elif take.wanted_s > take.latest_s and math.isfinite(now_s):
                    take.cut = "max_length"
            return done

    def _is_over(self, take: Take, now_s: float, idle_after_s: float) -> bool:
        if self.live:
            return now_s >= take.until_s + GRACE_S
        return self._newest_s > take.until_s or now_s - take.idle_s >= idle_after_s
