"""The parts of tune that need no engine: rounds, the notebook, sizes, the frontier."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_resnet.errors import BackendError
from edge_resnet.verdict import accuracy_drop
from export.tune import pareto
from export.tune.grid import Budget, Result, Tuning, default_sizes
from export.tune.measure import Bench, Effort, Network, Notebook, Point, Round, Times, time_in_rounds
from tests.stand_ins import write_bundle

POINTS = [Point(Network(32, 64, "fp32", name), threads) for name in ("opencv", "openvino") for threads in (0, 1)]
ROUND = Round(latencies_ms=(1.0, 3.0, 2.0), frames_per_s=500.0)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bundle = write_bundle(tmp_path / "bundle")
    return Bench({(32, 64): bundle}, {(32, 64): bundle.box}, Effort(rounds=3))


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[Point]:
    """The points that were timed, without an engine."""
    points: list[Point] = []

    def measured(self: Bench, point: Point) -> Round:
        points.append(point)
        return ROUND

    monkeypatch.setattr(Bench, "round", measured)
    return points


def test_rounds_go_through_all_points_there_and_back(bench: Bench, done: list[Point], tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    times = time_in_rounds(bench, POINTS, Notebook(tmp_path / "points.json"), lambda *step: steps.append(step))
    assert done == [*POINTS, *reversed(POINTS), *POINTS]
    assert steps == [(number, 12) for number in range(1, 13)]
    assert times == dict.fromkeys(POINTS, Times(2.0, pytest.approx(3.0), 500.0))


def test_rounds_that_are_kept_are_not_measured_again(bench: Bench, done: list[Point], tmp_path: Path) -> None:
    path = tmp_path / "points.json"
    time_in_rounds(bench, POINTS, Notebook(path), lambda *step: None)
    time_in_rounds(bench, POINTS, Notebook(path), lambda *step: None)
    assert len(done) == 12
    # Of another grid, and of another effort, they are: only times of one grid were taken side by side.
    time_in_rounds(bench, POINTS[:2], Notebook(path), lambda *step: None)
    assert len(done) == 12 + 6
    time_in_rounds(Bench(bench.bundles, bench.boxes, Effort(rounds=1)), POINTS, Notebook(path), lambda *step: None)
    assert len(done) == 12 + 6 + 4


def test_a_point_that_fails_is_not_tried_again_and_stops_nobody(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Point] = []

    def measured(self: Bench, point: Point) -> Round:
        tried.append(point)
        if point == POINTS[1]:
            raise BackendError("opencv: out of memory")
        return ROUND

    monkeypatch.setattr(Bench, "round", measured)
    times = time_in_rounds(bench, POINTS, Notebook(tmp_path / "points.json"), lambda *step: None)
    assert str(times.pop(POINTS[1])) == "opencv: out of memory"
    assert all(isinstance(each, Times) for each in times.values())
    assert tried.count(POINTS[1]) == 1


def test_the_notebook_keeps_what_it_is_given(tmp_path: Path) -> None:
    path = tmp_path / "tune" / "points.json"
    right = np.array([True, False, True])
    Notebook(path).keep_right("key", right)
    Notebook(path).keep_round("time", ROUND)
    again = Notebook(path)
    np.testing.assert_array_equal(again.right("key"), right)
    assert again.rounds("time") == (ROUND,)
    assert again.right("another") is None
    assert again.rounds("another") == ()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"rights": {"key": "2"}}', '{"rights": {"key": "1"}, "more": 1}', "[" * 100_000]
)
def test_a_damaged_notebook_counts_as_empty(content: str, tmp_path: Path) -> None:
    (tmp_path / "points.json").write_text(content)
    assert Notebook(tmp_path / "points.json").right("key") is None


@pytest.mark.parametrize("changed", ["version", "cpu_name"])
def test_what_was_measured_is_for_this_engine_and_processor(
    changed: str, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = bench.key(POINTS[0].network)
    assert bench.key(POINTS[0].network) == before
    monkeypatch.setattr(f"export.tune.measure.{changed}", lambda *names: "another")
    assert bench.key(POINTS[0].network) != before


def result(milliseconds: float, right: int, p99_ms: float | None = None) -> Result:
    """A point with so many of 100 pictures right, of which the reference has all."""
    drop = accuracy_drop(np.ones(100, bool), np.arange(100) < right)
    times = Times(milliseconds, p99_ms or milliseconds, 1.0)
    return Result(Point(Network(32, 32, "fp32", "opencv"), 0), drop, (0.0, 1.0), times)


def tuning(budget: Budget, *results: Result) -> Tuning:
    return Tuning(Network(32, 32, "fp32", "opencv"), 100, results, (), budget)


def test_the_first_point_within_both_budgets_is_chosen() -> None:
    inaccurate, unsteady, right, slow = result(1, 97), result(2, 99, 30), result(3, 99, 9), result(4, 100, 8)
    everything = (inaccurate, unsteady, right, slow)
    assert tuning(Budget(0.011, 10), *everything).chosen is right
    assert tuning(Budget(0.011), *everything).chosen is unsteady
    assert tuning(Budget(0.03), *everything).chosen is inaccurate
    assert tuning(Budget(0.0), *everything).chosen is slow


def test_the_nearest_miss_is_the_steadiest_of_the_accurate_else_the_most_accurate() -> None:
    inaccurate, right, slow = result(1, 97), result(3, 99, 20), result(4, 100, 15)
    missed = tuning(Budget(0.01, 10), inaccurate, right, slow)
    assert missed.chosen is None
    assert missed.nearest is slow
    assert tuning(Budget(0.001), inaccurate, right).nearest is right


def test_the_frontier_is_what_nothing_beats_in_both() -> None:
    slow, fast, beaten, middle = result(9, 90), result(1, 50), result(5, 70), result(4, 80)
    assert pareto.frontier([slow, fast, beaten, middle]) == [fast, middle, slow]


def test_default_sizes_are_on_whole_cells_and_smaller() -> None:
    assert default_sizes(224, 224) == ((224, 224), (192, 192), (160, 160), (128, 128))
    assert default_sizes(160, 288) == ((160, 288), (128, 256), (128, 192), (96, 160))
    assert default_sizes(32, 32) == ((32, 32),)


def test_a_box_needs_neither_torch_nor_onnx_to_tune_and_to_prove() -> None:
    """Only another input size is made with onnx; see require() in the command."""
    code = "import sys\n"
    code += "for name in ('torch', 'torchvision', 'onnx', 'matplotlib', 'safetensors'): sys.modules[name] = None\n"
    code += (
        "import export.tune.grid, export.tune.pareto, export.parity.trials, export.parity.page, edge_resnet.cli.tune"
    )
    root = Path(__file__).resolve().parents[3]
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
