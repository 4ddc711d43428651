"""Packets go from the newest connection of a camera to who listens, and are not copied for nobody."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from runtime.sources import open_packets
from runtime.sources.address import Address
from runtime.sources.feed import Feed, Feeds
from runtime.sources.packets import Header, Packet

PACKET, HEADER = Packet(0.0, b"", True, 0, 0), Header("h264", b"")
FRAMES, KEYS = 30, 10


class Taken:
    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.headers: set[int] = set()

    def take(self, packet: Packet, header: Header) -> None:
        self.packets.append(packet)
        self.headers.add(id(header))


def test_nobody_takes_packets_until_somebody_listens_nor_after_it() -> None:
    feed, taken = Feed(), Taken()
    taker = feed.connection()
    assert taker() is None
    feed.listen(taken.take)
    take = taker()
    assert take is not None
    take(PACKET, HEADER)
    assert taken.packets == [PACKET]
    feed.listen(None)
    assert taker() is None


def test_who_listens_hears_the_newest_connection_alone() -> None:
    feed, taken = Feed(), Taken()
    feed.listen(taken.take)
    hung = feed.connection()
    assert hung() is not None
    newer = feed.connection()
    assert (hung(), newer()) == (None, taken.take)


def test_a_feed_is_the_same_for_all_who_name_the_camera() -> None:
    feeds = Feeds()
    assert feeds.of("yard") is feeds.of("yard")
    assert feeds.of("yard") is not feeds.of("gate")


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """H.264 with start codes, as cameras send it; a key frame each ten frames."""
    av = pytest.importorskip("av")
    path = tmp_path / "video.ts"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=10, options={"x264-params": f"keyint={KEYS}:scenecut=0:bframes=0"}
        )
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number, np.uint8), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("skip_s", [0.0, 10.0])
def test_every_packet_is_handed_on_whether_its_frame_is_decoded_or_not(video: Path, skip_s: float) -> None:
    feed, taken = Feed(), Taken()
    feed.listen(taken.take)
    source = open_packets(Address.parse(str(video)), 5.0, 5.0, feed.connection())
    source.skip_s = skip_s
    while source.grab() is not None:
        pass
    source.close()
    assert [packet.key for packet in taken.packets] == [number % KEYS == 0 for number in range(FRAMES)]
    assert {round(b.dts - a.dts) for a, b in zip(taken.packets, taken.packets[1:], strict=False)} == {9000}
    assert len(taken.headers) == 1


def test_who_comes_later_gets_the_packets_from_then_on(video: Path) -> None:
    feed, taken = Feed(), Taken()
    source = open_packets(Address.parse(str(video)), 5.0, 5.0, feed.connection())
    for _ in range(KEYS):
        source.grab()
    feed.listen(taken.take)
    while source.grab() is not None:
        pass
    source.close()
    assert 0 < len(taken.packets) <= FRAMES - KEYS
