"""However key frames come, a camera whose frames are passed over is looked at as often as it must be."""

from __future__ import annotations

import tempfile
import threading
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from runtime.cameras.camera import Camera
from runtime.config.settings import GateSettings
from runtime.events.store import EventStore
from runtime.pace import Pace
from runtime.sources import open_packets
from runtime.sources.address import Address
from tests.unit.runtime.cameras.fed import Plain
from tests.unit.runtime.feed import Frames, Recorder, Room

FPS, SECONDS = 5, 60
# What may be passed over, and looks a second: asleep, and glancing at most once a second.
RUNGS = {"asleep": (10.0, 0.1), "glance": (4.0, 1.0)}


def write(path: Path, keys: set[int], *, still: bool = False) -> None:
    """A video whose key frames are those that are named, and the first. `still`: nothing moves in it."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        stream.codec_context.gop_size, stream.codec_context.max_b_frames = 10_000, 0
        stream.codec_context.thread_count = 1
        stream.codec_context.options = {"preset": "ultrafast", "x264-params": "scenecut=0:keyint=10000"}
        for number in range(SECONDS * FPS):
            level = 20 if still else 3 * number % 255
            frame = av.VideoFrame.from_ndarray(np.full((32, 48, 3), level, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            if number in keys:
                frame.pict_type = av.video.frame.PictureType.I
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def looks_s(path: Path, skip_s: float, per_s: float) -> list[float]:
    """When the file is looked at by a camera on such a rung."""
    bell = threading.Event()
    camera = Camera(
        "yard",
        Address.parse(str(path)),
        Plain(),  # type: ignore[arg-type]
        Pace(per_s),
        None,
        bell,
        open_timeout_s=5.0,
        read_timeout_s=5.0,
        open=open_packets,
        by_answers=True,
    )
    camera.skip(skip_s)
    camera.start()
    times_s: list[float] = []
    while not camera.news().ended:
        bell.wait(1)
        bell.clear()
        if (shot := camera.take()) is not None:
            times_s.append(shot.frame.time_s)
            camera.answered()
    return times_s


def late_s(path: Path, keys: set[int], rung: str) -> float:
    """By how much the latest look is later than the rung allows, to the millisecond."""
    write(path, keys)
    times_s = looks_s(path, *RUNGS[rung])
    apart_s = max(later - earlier for earlier, later in pairwise([*times_s, float(SECONDS)]))
    return round(apart_s - RUNGS[rung][0], 3)


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize(
    "keys_s",
    [
        # Each was left out since the next seemed to come in time.
        (0, 2, 4, 6, 8, 18, 28, 38, 40, 42),
        (0, 0.4, 9.6, 10, 19.6, 20, 29.6, 30),
        (0, 0.4, 0.8, 1.6),
    ],
)
def test_a_key_frame_that_comes_later_than_those_before_makes_no_look_late(
    tmp_path: Path, rung: str, keys_s: tuple[float, ...]
) -> None:
    assert late_s(tmp_path / "yard.mp4", {round(second * FPS) for second in keys_s}, rung) <= 2 / FPS


@pytest.mark.parametrize("rung", RUNGS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(apart=st.lists(st.integers(1, 15 * FPS), max_size=60))
def test_whenever_key_frames_come_no_look_is_late(tmp_path: Path, rung: str, apart: list[int]) -> None:
    assert late_s(tmp_path / "yard.mp4", set(accumulate(apart)), rung) <= 2 / FPS


def test_where_key_frames_come_in_time_nothing_else_is_looked_at(tmp_path: Path) -> None:
    write(tmp_path / "yard.mp4", {number for number in range(SECONDS * FPS) if number % (4 * FPS) == 0})
    assert looks_s(tmp_path / "yard.mp4", *RUNGS["glance"]) == [4.0 * number for number in range(15)]
    assert looks_s(tmp_path / "yard.mp4", *RUNGS["asleep"]) == [8.0 * number for number in range(8)]


def classified_s(folder: Path, keys: set[int]) -> list[float]:
    """When a video on the ladder, in which the gate sees nothing move, is classified. `folder`: empty."""
    write(folder / "yard", keys, still=True)
    recorder = Recorder()
    with EventStore(folder / "events.sqlite") as store:
        # The gate asks for a look each 10 s, and the ladder may pass frames over for 4 s.
        gate = GateSettings(enabled=True)
        room = Room(store, {"yard": Frames([])}, recorder, attention="ladder", gate=gate, heartbeat=10.0)
        room.watch.channels["yard"] = replace(room.assembly, open_packets=open_packets).channel("yard")
        room.run()
    return [look.time_s for look in recorder.looks]


@settings(max_examples=10, deadline=None)
@given(apart=st.lists(st.integers(1, 10 * FPS), max_size=60))
@example(apart=[2 * FPS, 2 * FPS, 2 * FPS, 2 * FPS, 4 * FPS])
def test_whenever_key_frames_come_what_the_gate_leaves_out_makes_no_look_late(apart: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        times_s = classified_s(Path(folder), set(accumulate(apart)))
    latest_s = max(later - earlier for earlier, later in pairwise([*times_s, float(SECONDS)]))
    assert round(latest_s - 10.0, 3) <= 2 / FPS


def test_where_key_frames_come_in_time_the_gate_leaves_out_all_but_one_each_heartbeat(tmp_path: Path) -> None:
    keys = {number for number in range(SECONDS * FPS) if number % (2 * FPS) == 0}
    assert classified_s(tmp_path, keys) == [10.0 * number for number in range(6)]
