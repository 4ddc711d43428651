"""Frames by their packets: those of OpenCV bit for bit, and never a wrong one however frames are passed over."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.sources import open_packets, open_source, packet_source
from runtime.sources.address import Address
from runtime.sources.frame import Image, Source
from runtime.sources.outage import Outage
from runtime.sources.packet_source import PacketSource
from tests.unit.runtime.sources.videos import Video, key_times_s, write, x264, x265

# A gap each seven frames, as of a camera that sends only what moves.
UNEVEN_S = [number * 0.04 + (number // 7) * 0.31 for number in range(50)]
PLAIN = {
    "h264": Video(options=x264()),
    "h264, a group of 50": Video(gop=50, options=x264()),
    "h264, one key frame": Video(gop=250, options=x264()),
    "h264 in mkv": Video(suffix=".mkv", options=x264()),
    "h264 in ts": Video(suffix=".ts", options=x264()),
    "h264, uneven": Video(times_s=UNEVEN_S, options=x264()),
    "h265": Video(codec="libx265", options=x265()),
    "h265 of 10 bits": Video(codec="libx265", pixels="yuv420p10le", options=x265()),
    "mjpeg": Video(suffix=".avi", codec="mjpeg", pixels="yuvj420p", options={}),
    "mpeg4": Video(suffix=".avi", codec="mpeg4", options={}),
    "full range": Video(full_range=True, pixels="yuvj420p", options=x264()),
    "colours of HD": Video(matrix=1, options=x264()),
    "grey": Video(pixels="gray", options=x264()),
    "odd size": Video(pixels="yuv444p", width=161, height=97, options=x264()),
    "no multiple of 16": Video(width=162, height=98, options=x264()),
    "no timestamps": Video(suffix=".h264", options=x264()),
}
REORDERED = {
    "h264, B-frames": Video(b_frames=3, options=x264()),
    "h264, B-frames, a group of 50": Video(gop=50, b_frames=2, options=x264()),
    "h264, B-frames in mkv": Video(suffix=".mkv", b_frames=3, options=x264()),
    "h264, B-frames in ts": Video(suffix=".ts", b_frames=3, options=x264()),
    "h264, open groups": Video(b_frames=3, options=x264(open_gop=1)),
    "h264, B-frames, uneven": Video(b_frames=2, times_s=UNEVEN_S, options=x264()),
    "h265, B-frames": Video(codec="libx265", b_frames=3, options=x265(bframes=3, open_gop=0)),
    "h265, open groups": Video(codec="libx265", b_frames=3, options=x265(bframes=3, open_gop=1)),
    "mpeg4, B-frames": Video(suffix=".avi", codec="mpeg4", b_frames=2, options={}),
    "no timestamps, B-frames": Video(suffix=".h264", b_frames=2, options=x264()),
}
VIDEOS = {**PLAIN, **REORDERED}
WITH_TIMES = [name for name in VIDEOS if "no timestamps" not in name]
NO_SKIP, ALL_KEYS = 0.0, 1e6


class Made:
    """The videos, each encoded when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths: dict[str, Path] = {}
        self._whole: dict[str, dict[float, Image]] = {}

    def __getitem__(self, name: str) -> Path:
        if name not in self._paths:
            self._paths[name] = write(self._folder / str(len(self._paths)), VIDEOS[name])
        return self._paths[name]

    def whole(self, name: str) -> dict[float, Image]:
        """All its pictures by their times."""
        if name not in self._whole:
            self._whole[name] = dict(read(packets(self[name])))
        return self._whole[name]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("videos"))


def packets(path: Path) -> PacketSource:
    source = open_packets(Address.parse(str(path)), 8.0, 5.0)
    assert isinstance(source, PacketSource)
    return source


def pictured(source: Source) -> Image | None:
    picture = source.retrieve()
    return picture if picture is None or isinstance(picture, np.ndarray) else picture.scaled(*picture.shape)


def read(source: Source, skip_s: float = NO_SKIP) -> list[tuple[float, Image]]:
    """Time and picture of every frame that is at hand."""
    frames = []
    source.skip_s = skip_s
    while (time_s := source.grab()) is not None:
        if source.at_hand:
            image = pictured(source)
            assert image is not None
            frames.append((round(time_s, 4), image))
    source.close()
    return frames


@pytest.mark.parametrize("name", VIDEOS)
def test_every_frame_is_opencvs_to_the_last_bit_and_in_its_time(made: Made, name: str) -> None:
    ours, theirs = read(packets(made[name])), read(open_source(Address.parse(str(made[name]))))
    assert len(ours) == len(theirs) == 50
    assert [time_s for time_s, _ in ours] == [time_s for time_s, _ in theirs]
    for (_, image), (_, expected) in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize("turned", [90, 180, -90])
def test_a_video_that_was_held_otherwise_is_turned_upright(tmp_path: Path, turned: int) -> None:
    path = write(tmp_path / "phone", Video(frames=5, turned=turned))
    ours, theirs = read(packets(path)), read(open_source(Address.parse(str(path))))
    assert theirs[0][1].shape == ((96, 160, 3) if turned == 180 else (160, 96, 3))
    for (_, image), (_, expected) in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(image, expected)
    source = packets(path)
    source.grab()
    decoded = source.retrieve()
    source.close()
    assert decoded is not None
    assert decoded.shape == theirs[0][1].shape[:2]
    assert decoded.grey(3, 2).shape == theirs[0][1][::3, ::2, 0].shape


@pytest.mark.parametrize("name", WITH_TIMES)
def test_passing_over_all_that_can_be_leaves_exactly_the_key_frames(made: Made, name: str) -> None:
    keys = read(packets(made[name]), ALL_KEYS)
    # The first frame is decoded whatever it is.
    assert [time_s for time_s, _ in keys] == pytest.approx(key_times_s(made[name]))
    for time_s, image in keys:
        np.testing.assert_array_equal(image, made.whole(name)[time_s])


@pytest.mark.parametrize("name", ["no timestamps", "no timestamps, B-frames"])
def test_without_timestamps_nothing_is_passed_over(made: Made, name: str) -> None:
    assert len(read(packets(made[name]), ALL_KEYS)) == 50


_STEPS = st.lists(
    # For so many frames, what may be passed over, and whether those at hand are asked for.
    st.tuples(st.integers(1, 12), st.sampled_from([NO_SKIP, NO_SKIP, 0.1, 0.3, ALL_KEYS]), st.booleans()),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("name", WITH_TIMES)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_however_it_is_switched_a_picture_is_that_of_its_time(
    made: Made, name: str, steps: list[tuple[int, float, bool]]
) -> None:
    source, told_s = packets(made[name]), [-1.0]
    for frames, skip_s, wanted in steps:
        source.skip_s = skip_s
        for _ in range(frames):
            if (time_s := source.grab()) is None:
                break
            told_s.append(time_s)
            if wanted and (image := pictured(source)) is not None:
                np.testing.assert_array_equal(image, made.whole(name)[round(time_s, 4)])
    assert all(later >= earlier for earlier, later in pairwise(told_s))
    # From here on every frame, none twice and none missing, but for those whose packets came before others' that were
    # passed over, and those of an open group that need the one before it.
    rest = read(source)
    for time_s, image in rest:
        np.testing.assert_array_equal(image, made.whole(name)[time_s])
    later = [time_s for time_s in made.whole(name) if time_s > told_s[-1] + 1e-3]
    assert [time_s for time_s, _ in rest] == later[len(later) - len(rest) :]
    assert len(later) - len(rest) <= (2 if "open" in name else 1) * VIDEOS[name].b_frames + 1


@pytest.fixture
def decoded_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times of the packets that the decoder was given."""
    times_s: list[float] = []
    as_it_is = packet_source._Group._given

    def noted(group: Any, packet: Any) -> Any:
        if packet is not None:
            times_s.append(round(float(packet.pts * packet.time_base), 2))
        return as_it_is(group, packet)

    monkeypatch.setattr(packet_source._Group, "_given", noted)
    return times_s


@pytest.mark.parametrize(
    ("name", "deferred"), [("h264, a group of 50", True), ("h265", True), ("h264, B-frames", False)]
)
def test_frames_are_decoded_when_somebody_wants_one(
    made: Made, name: str, deferred: bool, decoded_s: list[float]
) -> None:
    expected = made.whole(name)[0.2]
    decoded_s.clear()
    source = packets(made[name])
    first = len(decoded_s)
    told_s = [source.grab() for _ in range(6)]
    assert told_s == pytest.approx([number * 0.04 for number in range(6)])
    assert source.at_hand
    assert (len(decoded_s) == first) is deferred
    np.testing.assert_array_equal(pictured(source), expected)
    assert len(decoded_s) >= 6
    source.close()


def test_what_nobody_wants_is_decoded_all_the_same_and_not_all_at_once(made: Made, decoded_s: list[float]) -> None:
    source = packets(made["h264"])
    batches, before = [], 0
    while (time_s := source.grab()) is not None and time_s < 1.0:
        if time_s == pytest.approx(0.6):
            assert pictured(source) is not None
        if len(decoded_s) > before:
            batches.append(len(decoded_s) - before)
            before = len(decoded_s)
    source.close()
    # At 0.32 s since a quarter of a second was over, at 0.4 for the key frame, at 0.6 for who wanted one.
    assert decoded_s == pytest.approx([number * 0.04 for number in range(20)])
    assert batches == [1, 8, 1, 6, 4]


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_before_a_key_frame_that_stands_alone_nothing_is_decoded_for_nobody(
    tmp_path: Path, codec: str, decoded_s: list[float]
) -> None:
    options = x264() if codec == "libx264" else x265(open_gop=0)
    path = write(tmp_path / "clip", Video(suffix=".ts", codec=codec, options=options))
    theirs = dict(read(open_source(Address.parse(str(path)))))
    decoded_s.clear()
    source = packets(path)
    began_s = decoded_s[0]
    for number, (time_s, expected) in enumerate(theirs.items()):
        assert source.grab() == pytest.approx(time_s)
        if number % 5 == 0:
            np.testing.assert_array_equal(pictured(source), expected)
    source.close()
    # Of groups of ten the frames up to the last that was wanted.
    numbers = [round((each_s - began_s) * 25) for each_s in decoded_s]
    assert numbers == [number for number in range(46) if number % 10 < 6]


@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
def test_of_a_camera_without_whole_key_frames_no_frame_is_lost_for_being_decoded_later(
    tmp_path: Path, suffix: str
) -> None:
    path = write(tmp_path / "refresh", Video(suffix=suffix, options=x264(intra_refresh=1)))
    theirs = read(open_source(Address.parse(str(path))))
    source = packets(path)
    for number, (expected_s, expected) in enumerate(theirs):
        assert source.grab() == pytest.approx(expected_s)
        if number % 6 == 5:
            image = pictured(source)
            assert image is not None
            np.testing.assert_array_equal(image, expected)
    source.close()


def test_who_is_not_at_hand_has_no_picture(made: Made) -> None:
    source = packets(made["h264"])
    source.skip_s = ALL_KEYS
    source.grab()
    for _ in range(5):
        source.grab()
        assert not source.at_hand
        assert source.retrieve() is None
    source.close()


def test_long_after_a_key_frame_the_frames_are_decoded_and_the_next_is_told_of(made: Made) -> None:
    source = packets(made["h264"])
    source.skip_s = 0.2
    at_hand, next_s = [], []
    while (time_s := source.grab()) is not None:
        if source.at_hand:
            at_hand.append(round(time_s, 2))
            next_s.append(source.key_period_s)
    source.close()
    # Of a group of ten frames the key frame, and those more than 0.2 s after it.
    assert at_hand[:10] == [0.0, 0.24, 0.28, 0.32, 0.36, 0.4, 0.64, 0.68, 0.72, 0.76]
    # After the key frame that was waited for, the next comes as soon as it may not be passed over any more.
    assert next_s[5] == pytest.approx(0.2)
    assert next_s[6:10] == [0.0] * 4


def test_the_time_to_the_next_key_frame_is_told_while_others_are_passed_over(made: Made) -> None:
    source = packets(made["h264"])
    source.skip_s = 4.0
    while source.grab() is not None:
        pass
    assert source.key_period_s == pytest.approx(0.4)
    source.close()


def test_a_group_that_is_too_large_to_be_kept_is_decoded_after_all(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_source, "_MOST_KEPT_BYTES", 5_000)
    # No key frame ever comes again, as of many cameras with "smart" codecs.
    name = "h264, one key frame"
    frames = read(packets(made[name]), ALL_KEYS)
    assert 1 < len(frames) < 25
    for time_s, image in frames:
        np.testing.assert_array_equal(image, made.whole(name)[time_s])


def test_where_no_key_frame_comes_again_looks_go_on(made: Made) -> None:
    times_s = [time_s for time_s, _ in read(packets(made["h264, one key frame"]), 0.5)]
    assert times_s[0] == 0.0
    assert times_s[1:] == [round(0.04 * number, 4) for number in range(13, 50)]


def test_key_frames_that_cannot_be_decoded_alone_are_not_waited_for(tmp_path: Path) -> None:
    """Intra refresh: what the container calls a key frame is only where the picture begins to be renewed."""
    path = write(tmp_path / "refresh", Video(options=x264(intra_refresh=1), frames=100))
    whole = dict(read(packets(path)))
    source, times_s, lost = packets(path), [], 0
    source.skip_s = 1.0
    while (time_s := source.grab()) is not None:
        if source.at_hand:
            image = pictured(source)
            lost += image is None
            if image is not None:
                times_s.append(time_s)
                np.testing.assert_array_equal(image, whole[round(time_s, 4)])
    source.close()
    # The one that showed what kind of stream it is; from then on all are decoded.
    assert lost == 1
    assert max(later - earlier for earlier, later in pairwise([*times_s, 4.0])) <= 1.0
    assert len(times_s) > 80


@pytest.mark.parametrize(("moved_s", "at_hand"), [(-0.5, [25, 26, 27, 28, 29, 30, 40]), (None, list(range(25, 50)))])
def test_where_times_go_back_or_stand_still_nothing_is_passed_over_before_they_can_be_trusted(
    made: Made, moved_s: float | None, at_hand: list[int]
) -> None:
    """In the middle of a group, as when a camera's clock is set; None: they stand still from there on."""
    source = packets(made["h264"])
    images = list(made.whole("h264").values())
    following, number = source._demuxer.next, 0

    def altered() -> Any | None:
        nonlocal number
        packet, number = following(), number + 1
        # The first was read when it was opened.
        if packet is not None and number >= 25:
            ticks = 0 if moved_s is None else packet.pts + round(moved_s / packet.time_base)
            packet.pts = packet.dts = ticks
        return packet

    source._demuxer.next = altered  # type: ignore[method-assign]
    source.skip_s = ALL_KEYS
    found = []
    for place in range(50):
        assert source.grab() is not None
        if place >= 25 and source.at_hand:
            np.testing.assert_array_equal(pictured(source), images[place])
            found.append(place)
    assert found == at_hand
    source.close()


def test_a_frame_that_is_passed_over_has_the_time_of_the_one_that_a_decoder_would_have_given(made: Made) -> None:
    source = packets(made["h264, B-frames"])
    source.skip_s = ALL_KEYS
    told_s = [time_s for _ in range(48) if (time_s := source.grab()) is not None]
    source.close()
    # By the order of the packets it would be four frames at a time. A key frame is told of two frames early.
    assert max(later - earlier for earlier, later in pairwise(told_s)) < 3.5 * 0.04


def test_times_that_begin_anew_leave_no_hole(tmp_path: Path, made: Made) -> None:
    """Two recordings, one written behind the other."""
    path = tmp_path / "joined.ts"
    path.write_bytes(made["h264 in ts"].read_bytes() * 2)
    source, times_s, pictures = packets(path), [], 0
    for number in range(1000):
        source.skip_s = ALL_KEYS if number % 30 < 15 else NO_SKIP
        if (time_s := source.grab()) is None:
            break
        times_s.append(time_s)
        pictures += source.at_hand and source.retrieve() is not None
    source.close()
    assert 95 <= len(times_s) <= 100
    assert all(later >= earlier for earlier, later in pairwise(times_s))
    assert pictures >= 50


def test_the_last_frames_can_be_had_even_when_their_packets_were_passed_over(made: Made) -> None:
    name = "h264, B-frames"
    source = packets(made[name])
    source.skip_s = ALL_KEYS
    told_s = [time_s for _ in range(48) if (time_s := source.grab()) is not None]
    rest = read(source)
    assert [time_s for time_s, _ in rest] == [time_s for time_s in made.whole(name) if time_s > told_s[-1] + 1e-3]
    assert len(rest) >= 2
    # But not against the wish of who passes them over.
    assert [time_s for time_s, _ in read(packets(made[name]), ALL_KEYS)] == pytest.approx(key_times_s(made[name]))


def test_after_its_end_it_stays_at_its_end(made: Made) -> None:
    source = packets(made["h264, B-frames"])
    while source.grab() is not None:
        pass
    assert [source.grab(), source.grab(), source.retrieve()] == [None, None, None]
    source.close()
    source.close()


def test_titles_in_any_encoding_are_no_matter(tmp_path: Path, made: Made) -> None:
    path = tmp_path / "recorder.avi"
    path.write_bytes(made["mjpeg"].read_bytes().replace(b"Lavf", b"\xa0\xff\xfe\xc4", 1))
    assert len(read(packets(path))) == 50


def test_a_codec_that_nobody_knows_is_named(tmp_path: Path, made: Made) -> None:
    path = tmp_path / "unknown.mp4"
    path.write_bytes(made["h264"].read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(Outage) as caught:
        packets(path)
    assert caught.value.reason == "codec"
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["h264", "h264, B-frames in mkv", "h264 in ts", "h265, open groups", "mjpeg", "mpeg4"])
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), places=st.sampled_from([0, 1, 5, 50, 500]))
def test_whatever_is_damaged_it_ends_or_is_an_outage(
    tmp_path: Path, made: Made, name: str, seed: int, places: int
) -> None:
    random = np.random.default_rng(seed)
    data = np.frombuffer(made[name].read_bytes(), np.uint8).copy()
    if places:
        data[random.integers(0, data.size, places)] = random.integers(0, 256, places, np.uint8)
    else:
        data = data[: random.integers(0, data.size)]
    path = tmp_path / f"damaged{made[name].suffix}"
    path.write_bytes(data.tobytes())
    told = None
    try:
        play(packets(path), random)
    except Outage as outage:
        told = outage
    assert told is None or (told.reason == "codec" and "\n" not in str(told))


def play(source: PacketSource, random: np.random.Generator) -> None:
    """To the end, with what may be passed over chosen anew at every frame."""
    frames = 0
    while source.grab() is not None:
        source.skip_s = float(random.choice([NO_SKIP, 0.3, ALL_KEYS]))
        if (decoded := source.retrieve()) is not None:
            assert decoded.grey(3, 4).ndim == 2
            assert decoded.scaled(32, 64).shape == (32, 64, 3)
        frames += 1
        assert frames < 1000
    source.close()
