"""What is gathered for a clip: from before the look that raised it, to after the end, never more than it may be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runtime.config.recording import RecordingSettings
from runtime.events.event import Event
from runtime.recording import take as taking
from runtime.recording.reel import Picture
from runtime.recording.take import GRACE_S, Take, Tape
from runtime.sources.packets import Header, Packet
from tests.unit.runtime.stored import event

SETTINGS = RecordingSettings(pre_roll=2.0, post_roll=3.0, max_length=12.0)
HEADER = Header("h264", b"")
IDLE_S = 30.0


def held(raised_s: float = 10.0) -> Event:
    return event(started_s=raised_s - 1.0, raised_s=raised_s, ended_s=None)


def over(event: Event, ended_s: float) -> Event:
    return replace(event, ended_s=ended_s)


def add(tape: Tape, first: int, last: int) -> None:
    """Pictures, one a second."""
    for second in range(first, last + 1):
        tape.add_picture(Picture(float(second), b"%d" % second), float(second))


def packet(second: int, key: bool = True) -> Packet:
    return Packet(float(second), b"%d" % second, key, 90_000 * second, 90_000 * second)


def seconds(take: Take) -> list[float]:
    return [picture.at_s for picture in take.pictures]


def only(tape: Tape, now_s: float = 0.0) -> Take:
    (take,) = tape.finished(now_s, IDLE_S)
    return take


def test_a_clip_of_a_file_goes_by_the_frames_own_times() -> None:
    tape, raised = Tape(live=False, settings=SETTINGS), held()
    add(tape, 0, 10)
    tape.begin(raised, 0.0, 0.0)
    add(tape, 11, 13)
    tape.ended(over(raised, 11.0))
    add(tape, 14, 14)
    assert tape.finished(0.0, IDLE_S) == []
    add(tape, 15, 15)
    take = only(tape)
    assert seconds(take) == [8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0]
    assert (take.event.ended_s, tape.filming) == (11.0, False)


def test_an_event_that_does_not_end_has_a_clip_of_the_greatest_length() -> None:
    tape = Tape(live=False, settings=SETTINGS)
    add(tape, 0, 10)
    tape.begin(held(), 0.0, 0.0)
    add(tape, 11, 30)
    take = only(tape)
    assert seconds(take) == [float(second) for second in range(8, 21)]
    assert take.cut == "max_length"


@pytest.mark.parametrize(("ended_s", "cut"), [(16.9, None), (17.0, None), (17.1, "max_length")])
def test_a_clip_is_cut_where_what_comes_after_the_end_has_no_room(ended_s: float, cut: str | None) -> None:
    tape, raised = Tape(live=False, settings=SETTINGS), held()
    add(tape, 0, 10)
    tape.begin(raised, 0.0, 0.0)
    add(tape, 11, 18)
    tape.ended(over(raised, ended_s))
    add(tape, 19, 21)
    assert only(tape).cut == cut


def test_what_a_reload_ends_was_not_too_long() -> None:
    tape = Tape(live=True, settings=SETTINGS)
    add(tape, 0, 10)
    tape.begin(held(), 0.0, 0.0)
    assert only(tape, float("inf")).cut is None


def test_a_clip_of_a_live_camera_ends_by_the_clock_also_when_nothing_comes_any_more() -> None:
    tape, raised = Tape(live=True, settings=SETTINGS), held()
    add(tape, 1000, 1010)
    # The stream began at 1000 of the clock.
    tape.begin(raised, 1000.0, 1010.0)
    tape.ended(over(raised, 12.0))
    assert tape.finished(1015.0 + GRACE_S - 0.1, IDLE_S) == []
    assert seconds(only(tape, 1015.0 + GRACE_S)) == [1008.0, 1009.0, 1010.0]


def test_a_file_of_which_nothing_comes_any_more_is_waited_for_a_while() -> None:
    tape = Tape(live=False, settings=SETTINGS)
    add(tape, 0, 10)
    tape.begin(held(), 0.0, 100.0)
    assert tape.finished(100.0 + IDLE_S - 1.0, IDLE_S) == []
    assert len(tape.finished(100.0 + IDLE_S, IDLE_S)) == 1


def test_two_events_at_once_have_a_clip_each() -> None:
    tape, first, second = Tape(live=False, settings=SETTINGS), held(10.0), held(12.0)
    add(tape, 0, 10)
    tape.begin(first, 0.0, 0.0)
    add(tape, 11, 12)
    tape.begin(second, 0.0, 0.0)
    tape.ended(over(first, 11.0))
    tape.ended(over(second, 13.0))
    add(tape, 13, 20)
    takes = {take.event.id: seconds(take) for take in tape.finished(0.0, IDLE_S)}
    assert (takes[first.id][0], takes[first.id][-1]) == (8.0, 14.0)
    assert (takes[second.id][0], takes[second.id][-1]) == (10.0, 16.0)


def test_packets_begin_with_the_key_packet_before() -> None:
    tape = Tape(live=True, settings=SETTINGS)
    for second in range(11):
        tape.add_packet(packet(second, key=second % 4 == 0), HEADER)
    tape.begin(held(), 0.0, 10.0)
    tape.add_packet(packet(11, key=False), HEADER)
    take = only(tape, 100.0)
    assert [each.at_s for each in take.packets] == [8.0, 9.0, 10.0, 11.0]
    assert take.packets[0].key
    assert take.header is HEADER


def test_packets_of_another_connection_are_not_mixed_in() -> None:
    tape, other = Tape(live=True, settings=SETTINGS), Header("h264", b"other")
    for second in range(8, 11):
        tape.add_packet(packet(second), HEADER)
    tape.begin(held(), 0.0, 10.0)
    tape.add_packet(packet(11), other)
    second_event = held(11.0)
    tape.begin(second_event, 0.0, 11.0)
    takes = {take.event.id: take for take in tape.finished(100.0, IDLE_S)}
    assert [each.at_s for each in takes[second_event.id].packets] == [11.0]
    assert max(each.at_s for take in takes.values() if take.header is HEADER for each in take.packets) == 10.0


def test_what_shows_nothing_of_the_look_that_raised_it_covers_nothing() -> None:
    take = Take.of(held(), 0.0, SETTINGS)
    assert take.covered_s([]) == 0.0
    assert take.covered_s([packet(11), packet(12)]) == 0.0
    assert take.covered_s([packet(5), packet(9)]) == 0.0
    assert take.covered_s([packet(5), packet(12)]) == pytest.approx(4.0)


def test_the_bytes_of_a_clip_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "_MOST_CLIP_BYTES", 50)
    tape = Tape(live=False, settings=SETTINGS)
    tape.begin(held(), 0.0, 0.0)
    for second in range(10, 30):
        tape.add_picture(Picture(float(second), bytes(20)), 0.0)
    take = only(tape)
    assert sum(len(picture.data) for picture in take.pictures) == 40
    assert take.cut == "size"
