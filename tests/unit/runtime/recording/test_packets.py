"""Whether packets flow of which a clip can be made: from a key frame of each connection on, while they come."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av

from runtime.recording.packets import Flow, Listener, Tap
from runtime.sources.feed import Feed
from runtime.sources.packets import Header, Packet
from tests.unit.runtime.sources.videos import Video, served, write, x264

KEY, BETWEEN = Packet(0.0, b"", True, 0, 0), Packet(0.0, b"", False, 0, 0)


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_packets_flow_from_a_key_frame_on_until_none_comes() -> None:
    clock, taken, header = Clock(), list[Packet](), Header("h264", b"")
    flow = Flow(lambda packet, _: taken.append(packet), clock)
    flow.give(BETWEEN, header)
    assert not flow.usable
    flow.give(KEY, header)
    assert flow.usable
    clock.now_s += 2.0
    flow.give(BETWEEN, header)
    clock.now_s += 2.0
    assert flow.usable
    clock.now_s += 2.0
    assert not flow.usable
    assert taken == [BETWEEN, KEY, BETWEEN]


def test_another_connection_has_to_begin_with_a_key_frame_again() -> None:
    clock = Clock()
    flow = Flow(lambda packet, header: None, clock)
    flow.give(KEY, Header("h264", b""))
    clock.now_s += 5.0
    again = Header("h264", b"")
    flow.give(BETWEEN, again)
    assert not flow.usable
    flow.give(KEY, again)
    assert flow.usable


def test_a_listener_makes_no_connection_and_ends_where_it_is_closed() -> None:
    feed, taken = Feed(), list[Packet]()
    listener = Listener(feed, lambda packet, _: taken.append(packet), Clock())
    taker = feed.connection()
    assert taker() is None
    listener.start()
    take = taker()
    assert take is not None
    take(KEY, Header("h264", b""))
    assert (taken, listener.flow.usable) == ([KEY], True)
    listener.close()
    assert taker() is None


def test_a_tap_gives_every_packet_of_its_connection_and_tells_when_that_has_ended(tmp_path: Path) -> None:
    taken, told = list[Packet](), list[str]()

    def tell(event: str, reason: str, **fields: str) -> None:
        told.append(reason)
        tap.close()

    with served(write(tmp_path / "yard", Video(suffix=".ts", options=x264()))) as address:
        tap = Tap(av, "yard", address, lambda packet, _: taken.append(packet), 5.0, 5.0, tell)
        tap.start()
        tap.join(20)
    assert told == ["gone"]
    assert [packet.key for packet in taken] == [number % 10 == 0 for number in range(50)]
    assert all(earlier.at_s <= later.at_s for earlier, later in pairwise(taken))
