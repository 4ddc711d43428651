"""Streams that are not RTSP, from a server of the test's own: their packets, and what they have beside video."""

from __future__ import annotations

import math
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from runtime.sources import demuxer, open_packets, packet_source
from runtime.sources.address import Address
from runtime.sources.demuxer import Demuxer
from runtime.sources.hardware import Decoder
from runtime.sources.outage import Outage
from runtime.sources.packet_source import PacketSource
from tests.unit.runtime.sources.videos import FPS, Video, served, write, x264

_RATE = 48_000


class Ticking:
    """A clock that goes on by so much each time that it is read."""

    def __init__(self, step_s: float) -> None:
        self._step_s, self.now_s = step_s, 1000.0

    def __call__(self) -> float:
        self.now_s += self._step_s
        return self.now_s


def write_with_sound(path: Path, pictures: int, sounds: int) -> Path:
    """An MPEG-TS of so many frames, and of so many 25ths of a second of sound."""
    with av.open(str(path), "w", format="mpegts") as container:
        video, sound = container.add_stream("libx264", rate=FPS), container.add_stream("mp2", rate=_RATE)
        video.width, video.height, video.pix_fmt, sound.layout = 160, 96, "yuv420p", "mono"
        video.options = {"preset": "ultrafast", "tune": "zerolatency"}
        for number in range(sounds):
            if number < pictures:
                frame = av.VideoFrame.from_ndarray(np.full((96, 160, 3), number, np.uint8), format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, FPS)
                container.mux(video.encode(frame))
            heard = av.AudioFrame.from_ndarray(np.zeros((1, _RATE // FPS), np.int16), format="s16", layout="mono")
            heard.sample_rate, heard.pts, heard.time_base = _RATE, number * _RATE // FPS, Fraction(1, _RATE)
            container.mux(sound.encode(heard))
    return path


@pytest.mark.parametrize(("scheme", "pyav_s", "ffmpeg_us"), [("rtsp", None, "1500000"), ("http", 1.5, None)])
def test_an_rtsp_stream_waits_by_the_clock_of_ffmpeg_which_asks_python_nothing(
    scheme: str, pyav_s: float | None, ffmpeg_us: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def refused(target: str, **how: Any) -> None:
        asked.append(how)
        raise ConnectionRefusedError

    monkeypatch.setattr(av, "open", refused)
    with pytest.raises(Outage):
        # Nobody listens on port 9.
        Demuxer(av, Address.parse(f"{scheme}://127.0.0.1:9/yard"), 4.0, 1.5)
    assert (asked[0]["timeout"], asked[0]["options"].get("timeout")) == ((4.0, pyav_s), ffmpeg_us)


def test_a_camera_whose_sound_goes_on_when_its_pictures_stop_is_a_timeout(tmp_path: Path) -> None:
    with served(write_with_sound(tmp_path / "yard.ts", pictures=50, sounds=350)) as address:
        found = Demuxer(av, address, 5.0, 5.0, clock=Ticking(0.1))
        packets = 0
        with pytest.raises(Outage) as caught:
            while found.next() is not None:
                packets += 1
        found.close()
    assert caught.value.reason == "timeout"
    # The last frame is seen to be whole only when another begins.
    assert packets >= 48


def test_of_a_file_with_sound_all_frames_are_read(tmp_path: Path) -> None:
    path = write_with_sound(tmp_path / "yard.ts", pictures=50, sounds=350)
    source = open_packets(Address.parse(str(path)), 5.0, 5.0)
    frames = 0
    while source.grab() is not None:
        frames += 1
    source.close()
    assert frames == 50


def test_a_live_stream_without_timestamps_is_of_now(tmp_path: Path) -> None:
    clock = Ticking(0.05)
    with served(write(tmp_path / "yard", Video(suffix=".h264", frames=100, options=x264()))) as address:
        source = PacketSource(av, address, 5.0, 5.0, clock=clock)
        captured_s = []
        for _ in range(10):
            before_s = clock.now_s
            at_s = source.grab()
            assert at_s is not None
            assert before_s < at_s <= clock.now_s
            captured_s.append(at_s)
        assert math.isinf(source._dts_s)
        source.close()
    assert captured_s == sorted(captured_s)


@pytest.mark.parametrize("skip_s", [0.0, 60.0], ids=["every frame", "key frames"])
@pytest.mark.parametrize("b_frames", [0, 3])
@pytest.mark.parametrize("decoded", ["in order", "as shown", "at one time"])
def test_a_live_stream_whose_clock_is_set_back_does_not_stand_still(
    tmp_path: Path, decoded: str, b_frames: int, skip_s: float
) -> None:
    """By two seconds. `decoded`: what its times of decoding are; FFmpeg makes them up where a camera sends none."""
    clock, path = Ticking(0.0), tmp_path / "yard.ts"
    path.write_bytes(2 * write(tmp_path / "once", Video(suffix=".ts", b_frames=b_frames, options=x264())).read_bytes())
    with served(path) as address:
        source = PacketSource(av, address, 5.0, 5.0, clock=clock)
        following = source._demuxer.next

        def in_time() -> Any | None:
            clock.now_s += 1.0 / FPS
            if (packet := following()) is not None and decoded != "in order":
                packet.dts = packet.pts if decoded == "as shown" else 0
            return packet

        source._demuxer.next = in_time  # type: ignore[method-assign]
        source.skip_s, ages_s = skip_s, []
        # The end of the file is the end of the camera.
        with pytest.raises(Outage):
            while (captured_s := source.grab()) is not None:
                ages_s.append(clock.now_s - captured_s)
        source.close()
    # Times that stand still do not tell when what waited is over: two seconds are passed over at the beginning.
    assert len(ages_s) > (80 if decoded != "at one time" else 45)
    # What the decoder keeps back, and what that begins anew with.
    assert max(ages_s) <= (2 * b_frames + 1) / FPS


@pytest.mark.parametrize(
    ("decoder", "advice"),
    [
        ("auto", "nothing could be decoded for 10 s; set it to H.264 or H.265"),
        ("cuda", "nothing could be decoded for 10 s; set it to H.264 or H.265, or write decoder: auto"),
    ],
)
def test_where_nothing_can_be_decoded_a_device_that_was_named_is_told_of(
    tmp_path: Path, decoder: Decoder, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demuxer, "accelerator", lambda module, named: None)
    monkeypatch.setattr(packet_source._Group, "_given", lambda group, packet: [])
    with served(write(tmp_path / "yard", Video(suffix=".ts", frames=100, options=x264()))) as address:
        source = PacketSource(av, address, 5.0, 5.0, decoder=decoder, clock=Ticking(0.1))
        with pytest.raises(Outage) as caught:
            source.grab()
        source.close()
    assert (caught.value.reason, caught.value.advice) == ("codec", advice)


@pytest.mark.parametrize(
    ("pictures", "decoder"),
    [("cuda", "cuda"), ("vaapi", "vaapi"), ("videotoolbox_vld", "videotoolbox"), ("yuvj420p", "cpu"), (None, "cpu")],
)
def test_what_decodes_is_known_by_what_its_pictures_are_called(
    tmp_path: Path, pictures: str | None, decoder: str
) -> None:
    source = PacketSource(av, Address.parse(str(write(tmp_path / "yard", Video(frames=2, options=x264())))), 5.0, 5.0)
    assert source.decoder == "cpu"
    source._demuxer.stream = SimpleNamespace(codec_context=SimpleNamespace(pix_fmt=pictures))
    assert source.decoder == decoder
    source.close()


@pytest.mark.parametrize("live", [False, True])
def test_a_picture_of_more_pixels_than_any_camera_has_is_refused(
    tmp_path: Path, live: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demuxer, "_MOST_PIXELS", 159 * 96)
    path = write(tmp_path / "yard", Video(suffix=".ts", options=x264()))
    with served(path) if live else nullcontext(Address.parse(str(path))) as address, pytest.raises(Outage) as caught:
        open_packets(address, 5.0, 5.0)
    assert caught.value.reason == "codec"
    assert "160 x 96" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_that_becomes_so_large_later_is_never_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demuxer, "_MOST_PIXELS", 256 * 256)
    small, large = (
        write(tmp_path / name, Video(suffix=".ts", width=width, height=96, options=x264()))
        for name, width in (("small", 160), ("large", 1600))
    )
    path = tmp_path / "joined.ts"
    path.write_bytes(small.read_bytes() + large.read_bytes())
    source = open_packets(Address.parse(str(path)), 5.0, 5.0)
    shapes, refused = set(), 0
    while source.grab() is not None:
        if (picture := source.retrieve()) is None:
            refused += 1
        else:
            shapes.add(picture.shape[:2])
    source.close()
    assert shapes == {(96, 160)}
    # The one that showed it; from then on none is told of before it is decoded.
    assert refused == 1
