"""How far apart the key frames of a stream are, found in its packets without decoding one."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from types import ModuleType

from runtime.sources.address import Address
from runtime.sources.demuxer import Demuxer
from runtime.sources.outage import Outage

# Many cameras send one more key frame to who comes, and the first two are closer than all others.
_GAPS = 2


@dataclass(frozen=True)
class KeyFrames:
    """`apart_s`: the longest time from one key frame to the next, in seconds; where not `known`, it is longer still."""

    apart_s: float
    known: bool

    def __str__(self) -> str:
        return f"key frames {'' if self.known else 'over '}{self.apart_s:.3g} s apart"


def key_frames(
    av: ModuleType, address: Address, open_timeout_s: float, read_timeout_s: float, within_s: float
) -> KeyFrames | None:
    """What a stream or file tells when it is read for no longer than `longest_s`; None where it tells nothing."""
    try:
        with closing(Demuxer(av, address, open_timeout_s, read_timeout_s)) as demuxer:
            return found(_packets(demuxer, longest_s(within_s)), within_s)
    except Outage:
        return None


def longest_s(within_s: float) -> float:
    """How long it takes at most to see whether key frames are more than `within_s` seconds apart, once connected.

    To the first key frame, to the second, and from there to the third.
    """
    return (1 + _GAPS) * within_s + 1.0


def found(packets: Iterable[tuple[float, bool]], within_s: float) -> KeyFrames | None:
    """What packets tell, each its seconds in the stream and whether it is of a key frame; None when they are too few.

    No more are asked for than it takes to see two gaps, or one that is longer than `within_s`.
    """
    gaps_s: list[float] = []
    # Of gaps of which the beginning or the end was not seen.
    part_s, since_s, whole = 0.0, None, False
    for stamp_s, key in packets:
        if since_s is not None and key and whole:
            gaps_s.append(stamp_s - since_s)
        elif since_s is not None:
            part_s = max(part_s, stamp_s - since_s)
        if key or since_s is None:
            since_s, whole = stamp_s, key
        if len(gaps_s) == _GAPS or max(gaps_s, default=0.0) > within_s:
            break
    apart_s = max([*gaps_s, part_s])
    return KeyFrames(apart_s, known=apart_s > part_s) if apart_s > 0.0 else None


def _packets(demuxer: Demuxer, patience_s: float) -> Iterator[tuple[float, bool]]:
    """Of so many seconds, by the clock and by the stream."""
    until_s, end_s = time.monotonic() + patience_s, None
    while time.monotonic() < until_s and (packet := demuxer.next()) is not None:
        ticks = packet.pts if packet.dts is None else packet.dts
        if ticks is None:
            continue
        stamp_s = float(ticks * demuxer.time_base)
        end_s = stamp_s + patience_s if end_s is None else end_s
        if stamp_s > end_s:
            return
        yield stamp_s, bool(packet.is_keyframe)
