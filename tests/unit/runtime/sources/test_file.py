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
from tests.stand_ins import write_clip


def read(path: Path) -> tuple[float, list[tuple[float, float | None]]]:
    """The stated rate; of each frame its time and brightness."""
    source = FileSource(Address.parse(str(path)))
    frames = []
    while (time_s := source.grab()) is not None:
        image = source.retrieve()
        frames.append((time_s, None if image is None else float(image[20, 20].mean())))
    source.close()
    return source.fps, frames


def test_every_frame_comes_in_order_with_its_time(tmp_path: Path) -> None:
    values = [10 * number for number in range(25)]
    fps, frames = read(write_clip(tmp_path / "clip.avi", values, fps=10.0))
    assert fps == 10.0
    assert [time_s for time_s, _ in frames] == pytest.approx([number / 10 for number in range(25)])
    assert [brightness for _, brightness in frames] == pytest.approx(values, abs=4)


def test_a_picture_is_made_only_of_the_frame_that_it_is_asked_of(tmp_path: Path) -> None:
    source = open_source(Address.parse(str(write_clip(tmp_path / "clip.avi", list(range(0, 250, 10))))))
    for _ in range(21):
        time_s = source.grab()
    image = source.retrieve()
    source.close()
    source.close()
    assert not source.live
    assert time_s == pytest.approx(2.0)
    assert image is not None
    assert image[20, 20].mean() == pytest.approx(200, abs=4)


def test_after_its_end_it_stays_at_its_end(tmp_path: Path) -> None:
    source = open_source(Address.parse(str(write_clip(tmp_path / "clip.avi", [0] * 3))))
    assert [source.grab() is None for _ in range(5)] == [False, False, False, True, True]
    source.close()


def test_a_file_that_still_grows_is_read_as_far_as_it_is_there(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "whole.avi", list(range(100)))
    whole, growing = path.read_bytes(), tmp_path / "growing.avi"
    growing.write_bytes(whole[: len(whole) // 2])
    source = open_source(Address.parse(str(growing)))
    for _ in range(5):
        assert source.grab() is not None
    with growing.open("ab") as file:
        file.write(whole[len(whole) // 2 : len(whole) * 3 // 4])
    frames = 5
    while source.grab() is not None:
        frames += 1
    source.close()
    assert 40 <= frames <= 80


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
    _, frames = read(real_data / "clips" / "tree_nopeople.avi")
    assert len(frames) == 68
    # The camera left frames out: the times are the stream's, not 68 / 15 frames a second.
    assert frames[-1][0] == pytest.approx(29.53, abs=0.05)


@pytest.mark.real
def test_real_clips_are_read_to_their_end_in_time(real_data: Path) -> None:
    for name, count, seconds in (
        ("person_bicycle_car_fromgif.mp4", 41, 4.0),
        ("door_night_ir_person_nofi143.mp4", 60, 1.97),
        ("people_street_vtest_300f.avi", 300, 29.9),
    ):
        _, frames = read(real_data / "clips" / name)
        assert len(frames) == count
        assert frames[-1][0] == pytest.approx(seconds, abs=0.1)
