"""Clips: of packets where they show more, else of pictures; whole or not there."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from runtime.config.recording import RecordingSettings
from runtime.recording.film import write_film
from runtime.recording.reel import Picture
from runtime.recording.snapshot import encoded
from runtime.recording.take import Take
from runtime.sources.packets import Header, Packet, pyav
from tests.unit.runtime.stored import event

SETTINGS = RecordingSettings(pre_roll=2.0, post_roll=3.0, max_length=12.0)
GOP, FPS = 5, 10
BRIGHT_IN_PACKETS, BRIGHT_IN_PICTURES = 200, 100


def take() -> Take:
    """Of an event raised at 10 s and over at 11 s: from 8 to 14 s."""
    raised = event(raised_s=10.0, ended_s=11.0)
    made = Take.of(raised, 0.0, SETTINGS)
    made.ended(raised, SETTINGS)
    return made


def pictures(first_s: float, last_s: float) -> list[Picture]:
    flat = np.full((48, 64, 3), BRIGHT_IN_PICTURES, np.uint8)
    return [Picture(at_s, encoded(flat, 90)) for at_s in np.arange(first_s, last_s + 0.01, 1 / FPS).tolist()]


def packets(av: ModuleType, first_s: float, last_s: float, brightness: int = BRIGHT_IN_PACKETS) -> list[Packet]:
    """As a camera sends them: H.264 with start codes, a key frame each half second."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 64, 48, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": f"keyint={GOP}:scenecut=0"}
    made: list[Packet] = []
    count = round((last_s - first_s) * FPS) + 1
    for number in range(count + 1):
        frame = None
        if number < count:
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), brightness, np.uint8), format="bgr24")
            frame.pts = number
        for each in encoder.encode(frame):
            ticks = each.pts * 90_000 // FPS
            made.append(Packet(first_s + each.pts / FPS, bytes(each), each.is_keyframe, ticks + 777, ticks + 777))
    return made


@pytest.fixture
def av() -> ModuleType:
    module = pyav()
    if module is None or "libx264" not in module.codecs_available:
        pytest.skip("PyAV with libx264 is not installed")
    return module


def shown(path: Path) -> list[tuple[float, float]]:
    """Time and brightness of each frame."""
    capture, frames = cv2.VideoCapture(str(path)), []
    while capture.grab():
        frames.append((capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, float(capture.retrieve()[1].mean())))
    capture.release()
    return frames


def test_packets_are_muxed_as_they_are_from_zero_on(tmp_path: Path, av: ModuleType) -> None:
    made = take()
    made.header, made.packets = Header("h264", b""), packets(av, 7.5, 14.0)
    assert write_film(tmp_path / "clip.mp4", made, FPS, av)
    frames = shown(tmp_path / "clip.mp4")
    assert len(frames) == len(made.packets)
    assert (frames[0][0], frames[-1][0]) == (pytest.approx(0.0), pytest.approx(6.5))
    assert all(abs(brightness - BRIGHT_IN_PACKETS) < 8 for _, brightness in frames)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        first = next(iter(container.demux(video=0)))
        assert first.is_keyframe
        # Not encoded again: an MP4 holds the same data, with lengths in the place of start codes.
        assert first.size == pytest.approx(len(made.packets[0].data), abs=100)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_timestamps_that_stand_still_are_no_hindrance(tmp_path: Path, av: ModuleType) -> None:
    made = take()
    still = [
        Packet(each.at_s, each.data, each.key, 5000 + number // 3, 5000 + number // 3)
        for number, each in enumerate(packets(av, 8.0, 14.0))
    ]
    made.header, made.packets = Header("h264", b""), still
    assert write_film(tmp_path / "clip.mp4", made, FPS, av)
    assert len(shown(tmp_path / "clip.mp4")) == len(still)


def test_pictures_where_packets_end_early_or_do_not_show_the_event(tmp_path: Path, av: ModuleType) -> None:
    for number, (first_s, last_s) in enumerate([(8.0, 10.5), (10.5, 14.0), (8.0, 9.5)]):
        made = take()
        made.header, made.packets = Header("h264", b""), packets(av, first_s, last_s)
        made.pictures = pictures(9.5, 14.0)
        path = tmp_path / f"{number}.mp4"
        assert write_film(path, made, FPS, av)
        assert len(shown(path)) == 46
        assert all(abs(brightness - BRIGHT_IN_PICTURES) < 8 for _, brightness in shown(path))


def test_packets_that_make_no_clip_give_way_to_pictures(tmp_path: Path, av: ModuleType) -> None:
    made = take()
    made.header = Header("h264", b"")
    made.packets = [
        Packet(each.at_s, b"\0\0\0\1\x65" + b"\x55" * 100, each.key, each.pts, each.dts)
        for each in packets(av, 8.0, 14.0)
    ]
    made.pictures = pictures(8.0, 14.0)
    assert write_film(tmp_path / "clip.mp4", made, FPS, av)
    frames = shown(tmp_path / "clip.mp4")
    assert len(frames) == 61
    assert all(abs(brightness - BRIGHT_IN_PICTURES) < 8 for _, brightness in frames)


def test_packets_of_which_no_frame_can_be_decoded_give_way_too(tmp_path: Path, av: ModuleType) -> None:
    made, whole = take(), packets(av, 8.0, 14.0)
    # Parameter sets and all, but what is said to be a key frame is none.
    made.header = Header("h264", whole[0].data[: whole[0].data.index(b"\0\0\1\x65")])
    between = [each for each in whole[:GOP] if not each.key]
    made.packets = [Packet(8.0 + number, between[0].data, True, 9000 * number, 9000 * number) for number in range(7)]
    made.pictures = pictures(8.0, 14.0)
    assert write_film(tmp_path / "clip.mp4", made, FPS, av)
    frames = shown(tmp_path / "clip.mp4")
    assert len(frames) == 61
    assert all(abs(brightness - BRIGHT_IN_PICTURES) < 8 for _, brightness in frames)


def test_pictures_without_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from runtime.outputs import clip

    monkeypatch.setattr(clip, "_pyav", lambda: None)
    made = take()
    made.pictures = pictures(8.0, 14.0)
    assert write_film(tmp_path / "clip.mp4", made, FPS, None)
    assert len(shown(tmp_path / "clip.mp4")) == 61


def test_a_broken_picture_is_passed_over(tmp_path: Path) -> None:
    made = take()
    made.pictures = [*pictures(8.0, 9.0), Picture(9.5, b"no picture"), *pictures(10.0, 11.0)]
    assert write_film(tmp_path / "clip.mp4", made, FPS, pyav())
    assert len(shown(tmp_path / "clip.mp4")) == 22


def test_nothing_to_see_is_no_clip(tmp_path: Path) -> None:
    assert not write_film(tmp_path / "clip.mp4", take(), FPS, pyav())
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_one_that_players_can_begin_at_once(tmp_path: Path, av: ModuleType) -> None:
    made = take()
    made.header, made.packets = Header("h264", b""), packets(av, 8.0, 14.0)
    write_film(tmp_path / "clip.mp4", made, FPS, av)
    content = io.BytesIO((tmp_path / "clip.mp4").read_bytes()).getvalue()
    assert content.index(b"moov") < content.index(b"mdat")
