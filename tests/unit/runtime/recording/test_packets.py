"""Whether packets flow of which a clip can be made: from a key frame of each connection on, while they come."""

from __future__ import annotations

from runtime.recording.packets import Flow, Listener
from runtime.sources.feed import Feed
from runtime.sources.packets import Header, Packet

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
