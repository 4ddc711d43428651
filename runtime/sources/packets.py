"""Encoded packets, as cameras send them: what recording and decoding share, and PyAV, which finds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from types import ModuleType
from typing import Any

# What MP4 holds and players play; MJPEG has no packets that are smaller than the pictures.
CODECS = ("h264", "hevc")
# The finest that MP4's players count, and of RTP's video.
TICKS_PER_S = 90_000
# In the byte stream format a start code, and the first byte after it, tell what kind of unit follows.
_START = b"\0\0\1"
# Parameter sets and messages come before the picture; a camera sends some hundred bytes of them.
_MOST_BEFORE = 4096
NEEDS_PYAV = "needs PyAV: pip install 'edge-resnet[video]'"


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


@dataclass(frozen=True)
class _Units:
    """How a codec tells its units: kind = first byte >> `shift` & `mask`; which are of pictures, and of IDR ones."""

    shift: int
    mask: int
    pictures: range
    idr: range


# ITU-T H.264, table 7-1; H.265, table 7-1.
_UNITS = {"h264": _Units(0, 0x1F, range(1, 6), range(5, 6)), "hevc": _Units(1, 0x3F, range(32), range(19, 21))}


def is_suitable(context: Any) -> bool:
    """Whether packets are of a codec that MP4 holds, and each begins with a start code, not with its length."""
    return context.name in CODECS and bytes(context.extradata or b"")[:1] != b"\x01"


def stands_alone(found: Any, codec: str) -> bool:
    """Whether a suitable packet of PyAV's holds an IDR picture: nothing that follows refers to what was before it.

    A container calls others key frames too: of an open group of pictures, or where a picture begins to be renewed.
    """
    head, units = bytes(memoryview(found)[:_MOST_BEFORE]), _UNITS[codec]
    at = head.find(_START) + len(_START)
    while len(_START) <= at < len(head):
        kind = head[at] >> units.shift & units.mask
        if kind in units.pictures:
            return kind in units.idr
        at = head.find(_START, at) + len(_START)
    return False


def header_of(context: Any) -> Header:
    """The header of a stream's packets, from its codec context."""
    return Header(context.name, bytes(context.extradata or b""))


def packet_of(found: Any, at_s: float, base: Fraction) -> Packet:
    """A packet of PyAV's, captured at `at_s`; `base`: seconds of a tick of its timestamps."""
    dts = found.pts if found.dts is None else found.dts
    pts = dts if found.pts is None else found.pts
    return Packet(at_s, bytes(found), bool(found.is_keyframe), _ticks(pts, base), _ticks(dts, base))


def _ticks(stamp: int, base: Fraction) -> int:
    """A timestamp in 1/90,000 s. In whole numbers: with fractions it took longer than all else that is done here."""
    return round(stamp * base.numerator * TICKS_PER_S / base.denominator)


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
