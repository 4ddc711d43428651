"""Video files: every frame, in its own time, to a clean end."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.sources import open_source
from runtime.sources.address import Address
from runtime.sources.file import FileClock, FileSource
from runtime.sources.frame import Frame, Wanted
from tests.stand_ins import write_clip


def read(path: Path, wanted: Wanted = lambda time_s: True) -> tuple[FileSource, list[Frame]]:
    source = FileSource(Address.parse(str(path)))
    try:
        return source, list(source.frames(wanted))
    finally:
        source.close()


def test_every_frame_comes_in_order_with_its_time(tmp_path: Path) -> None:
    values = [10 * number for number in range(25)]
    source, frames = read(write_clip(tmp_path / "clip.avi", values, fps=10.0))
    assert [frame.index for frame in frames] == list(range(25))
    assert [frame.time_s for frame in frames] == pytest.approx([number / 10 for number in range(25)])
    assert [frame.image[20, 20].mean() for frame in frames] == pytest.approx(values, abs=4)
    assert (source.fps, source.seen, source.dropped, source.live) == (10.0, 25, 0, False)


def test_only_wanted_frames_are_given_and_all_are_counted(tmp_path: Path) -> None:
    source, frames = read(write_clip(tmp_path / "clip.avi", list(range(0, 250, 10))), lambda time_s: time_s >= 1.95)
    assert [frame.index for frame in frames] == [20, 21, 22, 23, 24]
    assert [frame.image[20, 20].mean() for frame in frames] == pytest.approx([200, 210, 220, 230, 240], abs=4)
    assert (source.seen, source.seen_s) == (25, pytest.approx(2.4))


def test_interrupted_it_ends_after_the_frame_it_is_at(tmp_path: Path) -> None:
    source = open_source(Address.parse(str(write_clip(tmp_path / "clip.avi", [0] * 25))))
    seen = []
    for frame in source.frames(lambda time_s: True):
        seen.append(frame.index)
        if frame.index == 3:
            source.interrupt()
    source.close()
    source.close()
    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("stated_s", "expected_s"),
    [
        ([0.0, 0.1, 0.5, 0.6], [0.0, 0.1, 0.5, 0.6]),
        ([0.0, 0.0, 0.0, 0.0], [0.0, 0.1, 0.2, 0.3]),
        ([0.0, 0.1, 0.05, 0.4], [0.0, 0.1, 0.2, 0.4]),
        ([-0.2, 0.1, float("nan"), -5.0], [0.0, 0.1, 0.2, 0.3]),
        ([float("nan"), float("inf"), 1.0], [0.0, 0.1, 1.0]),
    ],
)
def test_the_clock_trusts_timestamps_only_while_they_grow(stated_s: list[float], expected_s: list[float]) -> None:
    clock = FileClock(fps=10.0)
    assert [clock.time_s(stated) for stated in stated_s] == pytest.approx(expected_s)


@given(st.lists(st.floats(-1e6, 1e6)), st.floats(1.0, 240.0))
def test_time_always_grows(stated_s: list[float], fps: float) -> None:
    clock = FileClock(fps)
    times_s = [clock.time_s(stated) for stated in stated_s]
    assert all(later > earlier for earlier, later in pairwise(times_s))


@pytest.mark.real
def test_a_header_that_promises_too_much(real_data: Path) -> None:
    source, frames = read(real_data / "clips" / "tree_nopeople.avi")
    assert source.seen == len(frames) == 68
    # The camera left frames out: the times are the stream's, not 68 / 15 frames a second.
    assert frames[-1].time_s == pytest.approx(29.53, abs=0.05)


@pytest.mark.real
def test_real_clips_are_read_to_their_end_in_time(real_data: Path) -> None:
    for name, frames, seconds in (
        ("person_bicycle_car_fromgif.mp4", 41, 4.0),
        ("door_night_ir_person_nofi143.mp4", 60, 1.97),
        ("people_street_vtest_300f.avi", 300, 29.9),
    ):
        times_s: list[float] = []
        source, _ = read(real_data / "clips" / name, lambda time_s, times=times_s: bool(times.append(time_s)))  # type: ignore[misc]  # the default binds the list
        assert source.seen == len(times_s) == frames
        assert times_s[-1] == pytest.approx(seconds, abs=0.1)
