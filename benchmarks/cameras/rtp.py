"""H.264 as RTP carries it (RFC 6184): cut into packets once, and stamped again for each time that it is sent.

Packets are framed for RTP over the RTSP connection itself (RFC 2326, 10.12), on channel 0.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CLOCK_HZ = 90_000
PAYLOAD_TYPE = 96
# As cameras send them: what fits into a frame of Ethernet with all headers.
_MOST_BYTES = 1400
_START_CODE = re.compile(rb"\x00\x00\x01")
_SLICE, _KEY_SLICE, _SPS, _PPS, _DELIMITER, _FRAGMENT = 1, 5, 7, 8, 9, 28
_SENT = frozenset({_SLICE, _KEY_SLICE, _SPS, _PPS})


@dataclass(frozen=True)
class Packets:
    """A frame as it is sent, but for what differs from time to time. `data`: all packets in a row, uint8.

    `headers`: where in it each packet's RTP header begins, N. `key`: decoding can begin here.
    """

    data: npt.NDArray[np.uint8]
    headers: npt.NDArray[np.intp]
    key: bool

    def stamped(self, sequence: int, timestamp: int) -> bytes:
        """To be sent: numbered from `sequence` on, at `timestamp` of the clock of 90 kHz."""
        data = self.data.copy()
        numbers = sequence + np.arange(len(self.headers))
        data[self.headers + 2], data[self.headers + 3] = numbers >> 8 & 0xFF, numbers & 0xFF
        stamp = np.frombuffer((timestamp & 0xFFFFFFFF).to_bytes(4, "big"), np.uint8)
        data[self.headers[:, None] + np.arange(4, 8)] = stamp
        return bytes(data)


def access_units(stream: bytes) -> Iterator[list[bytes]]:
    """The units of each frame of an Annex B stream that has delimiters; the delimiters and messages are left out."""
    starts = [found.end() for found in _START_CODE.finditer(stream)]
    unit: list[bytes] = []
    for begin, end in zip(starts, [*(start - 3 for start in starts[1:]), len(stream)], strict=True):
        # A start code of four bytes; and no unit ends with a zero.
        nal = stream[begin:end].rstrip(b"\x00")
        kind = nal[0] & 0x1F
        if kind == _DELIMITER and unit:
            yield unit
            unit = []
        if kind in _SENT:
            unit.append(nal)
    if unit:
        yield unit


def packets(unit: list[bytes]) -> Packets:
    """The packets of a frame."""
    payloads = [payload for nal in unit for payload in _payloads(nal)]
    data, headers = bytearray(), []
    for number, payload in enumerate(payloads):
        last = number == len(payloads) - 1
        data += b"$\x00" + (12 + len(payload)).to_bytes(2, "big")
        headers.append(len(data))
        # Version 2; the marker is on the last packet; sequence, timestamp and the source's number follow.
        data += bytes([0x80, PAYLOAD_TYPE | (0x80 if last else 0)]) + bytes(6) + (1).to_bytes(4, "big") + payload
    key = any(nal[0] & 0x1F == _KEY_SLICE for nal in unit)
    return Packets(np.frombuffer(bytes(data), np.uint8), np.array(headers, np.intp), key)


def _payloads(nal: bytes) -> Iterator[bytes]:
    """A unit as it is, or in fragments (FU-A)."""
    if len(nal) <= _MOST_BYTES:
        yield nal
        return
    indicator, kind, body = nal[0] & 0xE0 | _FRAGMENT, nal[0] & 0x1F, nal[1:]
    size = _MOST_BYTES - 2
    for begin in range(0, len(body), size):
        first, last = begin == 0, begin + size >= len(body)
        yield bytes([indicator, kind | first << 7 | last << 6]) + body[begin : begin + size]


def description(unit: list[bytes], fps: int) -> str:
    """The SDP of a stream that begins with this frame, a key frame with its parameter sets."""
    sets = {nal[0] & 0x1F: nal for nal in unit}
    sprop = ",".join(base64.b64encode(sets[kind]).decode() for kind in (_SPS, _PPS))
    return "\r\n".join(
        (
            "v=0",
            "o=- 1 1 IN IP4 127.0.0.1",
            "s=camera",
            "c=IN IP4 0.0.0.0",
            "t=0 0",
            "a=control:*",
            f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
            f"a=rtpmap:{PAYLOAD_TYPE} H264/{CLOCK_HZ}",
            f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1;profile-level-id={sets[_SPS][1:4].hex()};"
            f"sprop-parameter-sets={sprop}",
            f"a=framerate:{fps}",
            "a=control:track0",
            "",
        )
    )
