"""benchmarks.cameras: what is sent, which excerpts of which clips, and who shows what when."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.cameras import excerpts, rtp
from benchmarks.cameras.pieces import FPS, GOP
from benchmarks.cameras.timeline import REST, phases, plays, showings
from edge_resnet.errors import UserError
from runtime.backtest.truth import Interval
from tests.unit.benchmarks.cameras import ALARMS, FRAMES, SCENERY, material


def test_units_are_found_behind_start_codes_of_three_and_four_bytes_and_what_nobody_needs_is_left_out() -> None:
    key = [b"\x67\x42\x00\x1f", b"\x68\xce", b"\x65" + bytes([1, 2, 3])]
    stream = b"\x00\x00\x00\x01\x09\xf0" + b"\x00\x00\x01\x06\x05\x01"
    stream += b"".join(b"\x00\x00\x00\x01" + nal for nal in key)
    stream += b"\x00\x00\x00\x01\x09\xf0\x00\x00\x01\x41\x9a"
    assert list(rtp.access_units(stream)) == [key, [b"\x41\x9a"]]


@given(size=st.sampled_from([1, 1399, 1400, 1401, 2797, 5000]), sequence=st.integers(0, 0xFFFF))
def test_a_frame_comes_out_of_its_packets_as_it_went_in(size: int, sequence: int) -> None:
    nal = b"\x65" + bytes(number % 251 for number in range(size))
    timestamp = 0xFFFFFFFF + 3600
    sent = rtp.packets([b"\x67\x42\x00\x1f", nal]).stamped(sequence, timestamp)
    found: list[bytes] = []
    numbers, markers = [], []
    while sent:
        assert sent[:2] == b"$\x00"
        length = int.from_bytes(sent[2:4], "big")
        packet, sent = sent[4 : 4 + length], sent[4 + length :]
        numbers.append(int.from_bytes(packet[2:4], "big"))
        markers.append(packet[1] >> 7)
        assert int.from_bytes(packet[4:8], "big") == timestamp & 0xFFFFFFFF
        payload = packet[12:]
        if payload[0] & 0x1F != 28:
            found.append(payload)
        elif payload[1] & 0x80:
            found.append(bytes([payload[0] & 0xE0 | payload[1] & 0x1F]) + payload[2:])
        else:
            found[-1] += payload[2:]
    assert found == [b"\x67\x42\x00\x1f", nal]
    assert numbers == [(sequence + number) & 0xFFFF for number in range(len(numbers))]
    assert markers == [0] * (len(markers) - 1) + [1]


def test_only_frames_that_decoding_can_begin_with_are_key_frames() -> None:
    assert rtp.packets([b"\x67\x42\x00\x1f", b"\x65\x01"]).key
    assert not rtp.packets([b"\x41\x01"]).key


# What is shown.


def test_the_beginning_of_each_episode_is_shown_first_with_what_was_before_it() -> None:
    clips = [Path("one.mp4"), Path("two.mp4"), Path("quiet.mp4")]
    truth = {
        # What is left of it after the second part is too short to be shown.
        "one.mp4": [Interval(5.0, 10.0, "fire"), Interval(11.0, 24.5, "smoke")],
        "two.mp4": [Interval(1.0, 4.0, "fire"), Interval(50.0, 51.0, "fire"), Interval(60.0, 66.0, "person")],
    }
    found = excerpts.alarming(clips, truth, ALARMS, 9)
    assert [(each.name, each.end_s, each.onset_s) for each in found] == [
        ("one@3", 13.0, 2.0),
        ("two@0", 4.0, 1.0),
        ("one@13", 21.0, 0.0),
    ]
    assert excerpts.alarming(clips, truth, ALARMS, 2) == found[:2]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "no rows"),
        (["three.mp4,1,9,fire", "three.mp4,20,29,fire"], "clips that are not in {folder}: three.mp4 (line 2)"),
        (["one.mp4,1,9,fir"], "of no alarm, and counted as normal: fir (line 2); the bundle's are of fire, smoke"),
        (["one.mp4,1,9,fir", "no.mp4,1,9,fire"], "{folder}: no.mp4 (line 3); of no alarm, and counted as normal: fir "),
    ],
)
def test_a_truth_of_which_nothing_is_of_use_is_a_mistake_that_says_why(
    tmp_path: Path, rows: list[str], told: str
) -> None:
    said: list[str] = []
    with pytest.raises(UserError) as mistake:
        material(tmp_path, *rows).check(ALARMS, said.append)
    assert str(mistake.value).startswith(f"{tmp_path}/truth.csv: ")
    assert told.format(folder=tmp_path) in str(mistake.value)
    assert said == []


def test_rows_that_are_of_no_use_beside_others_are_told(tmp_path: Path) -> None:
    said: list[str] = []
    found = material(tmp_path, "one.mp4,1,9,fire", "one.mp4,1,9,person", "gone.mp4,1,9,fire")
    found.check(ALARMS, said.append)
    assert [line.removeprefix(f"{tmp_path}/truth.csv: ") for line in said] == [
        f"the truth names clips that are not in {tmp_path}: gone.mp4 (line 4)",
        "of no alarm, and counted as normal: person (line 3); the bundle's are of fire, smoke",
    ]
    assert found.quiet == [tmp_path / "two.mp4"]
    material(tmp_path, "one.mp4,1,9,fire").check(ALARMS, said.append)
    assert len(said) == 2


def test_clips_in_which_nothing_of_the_bundle_is_seen_are_a_mistake() -> None:
    with pytest.raises(UserError, match="name others with --clips"):
        excerpts.alarming([Path("one.mp4")], {"one.mp4": [Interval(0.0, 9.0, "person")]}, ALARMS, 9)


@pytest.mark.parametrize(("cameras", "share"), [(1, 0.05), (8, 0.05), (40, 0.05), (12, 0.25), (5, 1.0)])
def test_at_any_moment_the_share_of_cameras_shows_something(cameras: int, share: float) -> None:
    shown = showings(SCENERY, cameras, share, FRAMES)
    active = np.zeros(FRAMES)
    for each in shown:
        active[each.first : min(each.end, FRAMES)] += 1
    places = max(1, round(share * cameras))
    # Between two excerpts there is up to a group of pictures, more or less, until the key frame.
    assert active[2 * GOP : -GOP].mean() == pytest.approx(places, rel=0.15)
    assert active.max() <= 2 * places


@pytest.mark.parametrize(("cameras", "share"), [(1, 1.0), (3, 1.0), (20, 0.05)])
def test_an_alarm_is_spliced_in_only_where_the_one_before_can_be_over(cameras: int, share: float) -> None:
    over = [0] * cameras
    for each in showings(SCENERY, cameras, share, 2 * FRAMES):
        if each.piece.excerpt is not None and each.piece.excerpt.alarm is not None:
            assert each.first >= over[each.camera]
            over[each.camera] = each.end + REST
    assert all(over)


def test_excerpts_go_round_the_cameras() -> None:
    shown = showings(SCENERY, 20, 0.05, 20 * FPS * 11)
    assert [each.camera for each in shown[:20]] == list(range(20))


@pytest.mark.parametrize(("cameras", "share"), [(1, 0.05), (7, 0.25), (3, 1.0)])
def test_each_camera_keeps_the_beat_of_its_key_frames_and_shows_what_was_planned(cameras: int, share: float) -> None:
    shown = showings(SCENERY, cameras, share, FRAMES)
    for camera in range(cameras):
        sent = plays(SCENERY, camera, cameras, shown, FRAMES)
        now, spliced = 0, []
        for each in sent:
            assert 0 <= each.first < each.first + each.frames <= each.piece.frames
            if each.first == 0:
                assert (now + phases(cameras)[camera]) % GOP == 0
            if each.piece.excerpt is not None:
                spliced.append(now)
            now += each.frames
        assert spliced == [each.first for each in shown if each.camera == camera]
        assert now >= FRAMES
        # It begins anew with a key frame, on the beat.
        assert sent[0].first == phases(cameras)[camera]


# What it means.
