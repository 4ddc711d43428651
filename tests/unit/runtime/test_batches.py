"""How many frames are classified at once: what is chosen, how it is measured, and what is remembered of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edge_resnet.bundle import Bundle
from edge_resnet.classifier import Scores
from runtime import batches
from tests.stand_ins import Brightness, write_bundle

# Seconds of a batch by its size: two frames cost what three single ones do not, and beyond four nothing is gained.
USUAL = {1: 0.010, 2: 0.014, 4: 0.020, 8: 0.040}


@dataclass
class Slow:
    """A classifier that takes a known time for a batch, by a clock of its own; the first of each size takes longer."""

    seconds: Mapping[int, float]
    prepares_s: float = 0.05
    time_s: float = 0.0
    asked: list[int] = field(default_factory=list)

    def clock(self) -> float:
        return self.time_s

    def pass_for(self, frames: int) -> None:
        self.time_s += self.seconds[frames] + (0.0 if frames in self.asked else self.prepares_s)
        self.asked.append(frames)

    def infer(self, frames: npt.NDArray[np.uint8]) -> Scores:
        self.pass_for(len(frames))
        return Scores(np.zeros((len(frames), 2), np.float32), np.zeros((len(frames), 2, 1, 1), np.float32))


class Engine(Brightness):
    """An engine of a bundle that takes such times, or fails."""

    def __init__(self, pace: Slow, fails: bool, requests: int) -> None:
        super().__init__(requests=requests)
        self.pace, self.fails = pace, fails

    def _run(self, frames: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        if self.fails:
            raise RuntimeError("out of memory")
        self.pace.pass_for(len(frames))
        return super()._run(frames)


@dataclass
class Starts:
    """Starts of a program on one box: each opens an engine anew and asks how many frames pay."""

    bundle: Bundle
    options: batches.Options
    said: list[str] = field(default_factory=list)
    measured: list[bool] = field(default_factory=list)
    undisturbed: bool = True
    requests: int = 1

    def start(self, most: int = 8, seconds: Mapping[int, float] = USUAL, fails: bool = False) -> int:
        pace = Slow(seconds)
        engine = Engine(pace, fails, self.requests)
        more = lambda: self.undisturbed, pace.clock
        chosen = batches.useful(engine, self.bundle, most, self.options, self.said.append, *more)
        self.measured.append(bool(pace.asked))
        return chosen


@pytest.fixture
def starts(tmp_path: Path) -> Starts:
    bundle = write_bundle(tmp_path / "bundle")
    return Starts(bundle, batches.Options("auto", 0, "latency", tmp_path / "box"))


@pytest.mark.parametrize(
    ("ms_a_frame", "chosen"),
    [
        ({1: 10.0}, 1),
        ({1: 10.0, 2: 7.0, 4: 5.0, 8: 5.0}, 4),
        ({1: 10.0, 2: 9.8, 4: 9.75}, 1),
        ({1: 10.51, 2: 10.0}, 2),
        ({1: 10.49, 2: 10.0}, 1),
        ({1: 10.0, 2: 12.0, 4: 6.0, 8: 11.0}, 4),
    ],
    ids=["only one", "no gain beyond", "gain too small", "just over 5%", "just under 5%", "not monotonous"],
)
def test_the_smallest_batch_within_five_percent_of_the_fastest_is_chosen(
    ms_a_frame: dict[int, float], chosen: int
) -> None:
    assert batches.smallest_of_the_fast(ms_a_frame) == chosen


def test_powers_of_two_and_the_most_itself_are_tried() -> None:
    assert [batches.sizes(most) for most in (1, 2, 6, 8)] == [[1], [1, 2], [1, 2, 4, 6], [1, 2, 4, 8]]


def test_the_first_batch_of_each_size_is_not_counted_and_sizes_take_turns() -> None:
    slow = Slow(USUAL)
    measured = batches.measure(slow, np.zeros((8, 32, 64, 3), np.uint8), 1, slow.clock)
    assert measured == pytest.approx({1: 10.0, 2: 7.0, 4: 5.0, 8: 5.0})
    assert slow.asked[:12] == [1, 1, 2, 2, 4, 4, 8, 8, 1, 2, 4, 8]
    assert slow.time_s < 0.6


def test_however_long_an_engine_prepares_itself_for_a_size_it_is_not_left_out_for_that() -> None:
    slow = Slow(USUAL, prepares_s=0.3)
    measured = batches.measure(slow, np.zeros((8, 32, 64, 3), np.uint8), 1, slow.clock)
    assert measured == pytest.approx({1: 10.0, 2: 7.0, 4: 5.0, 8: 5.0})


def test_a_batch_in_which_frames_grow_old_is_not_measured_again_nor_any_larger_one() -> None:
    slow = Slow({1: 0.4, 2: 0.5, 4: 0.6})
    assert batches.measure(slow, np.zeros((4, 32, 64, 3), np.uint8), 1, slow.clock) == pytest.approx({1: 400.0})
    assert slow.asked == [1, 1, 2, 2]


def test_what_was_measured_is_said_and_the_second_start_does_not_measure(starts: Starts) -> None:
    assert (starts.start(), starts.start()) == (4, 4)
    assert starts.measured == [True, False]
    assert starts.said == ["opencv fp32: batches of up to 4 here (ms a frame by size: 1: 10.0, 2: 7.0, 4: 5.0, 8: 5.0)"]


def test_what_was_measured_beside_cameras_is_used_but_not_remembered(starts: Starts) -> None:
    starts.undisturbed = False
    assert (starts.start(), starts.start()) == (4, 4)
    assert starts.measured == [True, True]


def test_what_was_measured_beside_other_programs_is_used_but_not_remembered(
    starts: Starts, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy_s = iter((7.0, 17.0, 17.0, 17.0))
    monkeypatch.setattr(batches, "others_cpu_s", lambda: next(busy_s))
    assert (starts.start(), starts.start(), starts.start()) == (4, 4, 4)
    assert starts.measured == [True, True, False]
    assert "the next start will measure batches again" in starts.said[1]


def test_all_requests_of_an_engine_are_kept_busy_while_it_is_measured() -> None:
    together = threading.Barrier(2, timeout=10.0)

    class TwoAtATime(Brightness):
        def _run(self, frames: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
            together.wait()
            return super()._run(frames)

    engine = TwoAtATime(requests=2)
    times = iter(range(100))
    found = batches.measure(engine, np.zeros((1, 32, 64, 3), np.uint8), 2, lambda: float(next(times)))
    # A second for two frames, one in each request.
    assert found == {1: 500.0}


def test_where_one_frame_is_allowed_nothing_is_measured(starts: Starts) -> None:
    assert starts.start(most=1) == 1
    assert starts.measured == [False]
    assert not starts.options.box.exists()


def test_a_lower_limit_is_obeyed_from_memory_and_a_higher_one_is_measured(starts: Starts) -> None:
    assert [starts.start(most=most) for most in (4, 2, 8)] == [4, 2, 4]
    assert starts.measured == [True, False, True]


@pytest.mark.parametrize("changed", ["threads", "hint", "processor", "cores", "requests", "version", "model"])
def test_what_the_times_depend_on_is_measured_again_when_it_changes(
    changed: str, starts: Starts, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts.start()
    if changed == "threads":
        starts.options = replace(starts.options, threads=1)
    elif changed == "hint":
        starts.options = replace(starts.options, hint="throughput")
    elif changed == "processor":
        monkeypatch.setattr(batches, "cpu_name", lambda: "abacus")
    elif changed == "cores":
        monkeypatch.setattr(batches, "cores", lambda: 1)
    elif changed == "requests":
        starts.requests = 2
    elif changed == "version":
        told = replace(Brightness().describe(), version="2")
        monkeypatch.setattr(Engine, "describe", lambda self: told)
    else:
        files = {"model.onnx": starts.bundle.manifest.files["model.onnx"].model_copy(update={"sha256": "0" * 64})}
        starts.bundle = Bundle(starts.bundle.folder, starts.bundle.manifest.model_copy(update={"files": files}))
    starts.start()
    assert starts.measured == [True, True]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b'{"schema_version": 3}',
        b'{"timings": {"%s": {"most": 8, "ms_a_frame": {"8": 1.0}}}}',
        b'{"timings": {"%s": {"most": 8, "ms_a_frame": {"1": 1.0, "-2": 0.5}}}}',
        b'{"timings": {"%s": {"most": 8, "ms_a_frame": {"1": NaN}}}}',
        b'{"timings": {"%s": {"most": 8, "ms_a_frame": {"1": 0.0}}}}',
        b" " * (1 << 18) + b'{"timings": {"%s": {"most": 8, "ms_a_frame": {"1": 1.0}}}}',
    ],
    ids=["empty", "no text", "list", "deep", "newer", "no single frame", "below one", "no number", "zero", "too large"],
)
def test_a_file_that_is_none_of_ours_is_measured_again_and_replaced(content: bytes, starts: Starts) -> None:
    starts.start()
    path = starts.options.box / batches.FILE
    (key,) = json.loads(path.read_bytes())["timings"]
    path.write_bytes(content.replace(b"%s", key.encode()))
    assert [starts.start(), starts.start()] == [4, 4]
    assert starts.measured == [True, True, False]


def test_a_box_that_cannot_be_written_is_said_and_measured_at_each_start(starts: Starts, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    starts.options = replace(starts.options, box=tmp_path / "file" / "box")
    assert [starts.start(), starts.start()] == [4, 4]
    assert starts.measured == [True, True]
    assert sum("cannot be written" in line for line in starts.said) == 2


def test_an_engine_that_fails_at_a_batch_gets_single_frames_and_nothing_is_remembered(starts: Starts) -> None:
    assert starts.start(fails=True) == 1
    assert "out of memory" in starts.said[0]
    assert not (starts.options.box / batches.FILE).exists()
