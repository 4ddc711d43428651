"""Tuning for real on two engines: the grid, the choice, what is kept, and what an interrupted run goes on with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_resnet.bundle import Bundle
from export.golden import drawn_frames
from export.tune import exam, pareto
from export.tune import grid as tune_module
from export.tune.measure import Bench, Effort, Point, Round
from runtime import trust, tuned
from runtime.backends import open_backend
from runtime.backends.openvino_ import shared_core
from tests.commands import Outcome, edge_resnet
from tests.parity.conftest import SPEC, Exported

OWN, SMALL = (64, 96), (32, 64)
SIZES = "64x96,32x64"
PICTURES = 12
Times = Callable[[Point], float]


@pytest.fixture(scope="module")
def data(exported: Exported, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures in the folders of what the network takes them for, so that it has all right at its own size."""
    folder = tmp_path_factory.mktemp("val")
    frames = drawn_frames(SPEC.input, PICTURES)
    with open_backend("opencv", exported.bundle) as backend:
        answers = backend.infer(frames).logits.argmax(axis=1)
    for number, (frame, answer) in enumerate(zip(frames, answers, strict=True)):
        path = folder / SPEC.labels[answer] / f"{number:02}.png"
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), frame)
    return folder


@pytest.fixture
def bundle(exported: Exported, tmp_path: Path) -> Bundle:
    """A bundle with a box of its own."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name in (*exported.bundle.manifest.files, "manifest.json"):
        (folder / name).hardlink_to(exported.bundle.folder / name)
    return Bundle.open(folder)


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tune_module, "Effort", lambda: Effort(rounds=1, frames=2, warm_up=1, batches=1, batch=2))


def timed(monkeypatch: pytest.MonkeyPatch, milliseconds: Times) -> list[Point]:
    """Take times from a function in place of the clock; the points that were timed, as they come."""
    done: list[Point] = []

    def measured(self: Bench, point: Point) -> Round:
        done.append(point)
        return Round(latencies_ms=(milliseconds(point),), frames_per_s=1000 / milliseconds(point))

    monkeypatch.setattr(Bench, "round", measured)
    return done


def small_is_fast(point: Point) -> float:
    return point.network.height / 10 + (0.0 if point.network.backend == "openvino" else 1.0) + point.threads / 100


def run(capsys: pytest.CaptureFixture[str], bundle: Bundle, data: Path, *options: object) -> Outcome:
    """Tune fp32 on two engines at two sizes, if the options do not say otherwise."""
    given = {"--sizes": SIZES, "--precisions": "fp32", "--backends": "opencv,openvino", "--threads": "0"}
    given.update(zip(map(str, options[::2]), map(str, options[1::2]), strict=True))
    flat = [part for pair in given.items() for part in pair]
    return edge_resnet(capsys, "tune", bundle.folder, "--data", data, "--json", *flat)


def test_the_whole_grid_for_real(bundle: Bundle, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = run(capsys, bundle, data, "--precisions", "fp32,fp16", "--max-drop", 100)
    assert outcome.code == 0, outcome.err
    answer = outcome.answer
    points = {(point["height"], point["width"], point["backend"]) for point in answer["points"]}
    assert points == {(*size, name) for size in (OWN, SMALL) for name in ("opencv", "openvino")}
    assert [point["p50_ms"] for point in answer["points"]] == sorted(point["p50_ms"] for point in answer["points"])
    for point in answer["points"]:
        low, high = point["interval_95"]
        assert low <= point["accuracy"]["candidate"] <= high
        assert 0 < point["p50_ms"] <= point["p99_ms"]
        assert point["frames_per_s"] > 0
        if (point["height"], point["width"]) == OWN:
            assert point["accuracy"]["drop"] == 0
    # On most processors fp16 is an emulation: named, once for all sizes, and not measured.
    has_fp16 = "FP16" in shared_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    emulated = {"fp16 on opencv"} if has_fp16 else {"fp16 on opencv", "fp16 on openvino"}
    assert {item["what"] for item in answer["left_out"]} == emulated
    assert answer["chosen"] == answer["points"][0]
    found = tuned.find(bundle, bundle.box, pytest.fail)
    assert found is not None
    assert (found.choice.height, found.choice.width) == (answer["chosen"]["height"], answer["chosen"]["width"])
    assert found.choice.measured.n == answer["n"] == PICTURES
    assert cv2.imread(str(bundle.box / pareto.FILE)).shape[1] > 500
    # The bundles of sizes that were not chosen are gone.
    assert [path.name for path in (bundle.box / tune_module.FOLDER).iterdir()] == [tune_module.NOTEBOOK]


def test_the_budget_decides_and_the_box_follows(
    bundle: Bundle, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    timed(monkeypatch, small_is_fast)
    answer = run(capsys, bundle, data, "--max-drop", 100).answer
    # The small size is twice as fast, and loses something.
    assert {point["height"]: point["accuracy"]["drop"] > 0 for point in answer["points"]} == {32: True, 64: False}
    assert answer["speed_up"] == pytest.approx(2.0)
    found = tuned.find(bundle, bundle.box, pytest.fail)
    assert found is not None
    assert (found.choice.height, found.choice.width, found.choice.backend) == (*SMALL, "openvino")
    assert found.bundle.folder == bundle.box / tuned.FOLDER
    said: list[str] = []
    with trust.choose(found.bundle, found.choice.backend, found.choice.precision, log=said.append) as backend:
        assert backend.infer(np.zeros((1, *SMALL, 3), np.uint8)).logits.shape == (1, 3)
    # Its replay is on record already: nothing was measured again.
    assert said == []

    outcome = run(capsys, bundle, data, "--max-drop", 0)
    chosen = outcome.answer["chosen"]
    assert (chosen["height"], chosen["backend"], outcome.answer["speed_up"]) == (64, "openvino", 1.0)
    assert "undecided at 0 pp" in outcome.err
    kept = tuned.find(bundle, bundle.box, pytest.fail)
    assert kept is not None
    assert kept.bundle == bundle
    assert not (bundle.box / tuned.FOLDER).exists()

    outcome = run(capsys, bundle, data, "--max-drop", 0, "--max-latency", 5)
    assert outcome.code == 1
    assert outcome.answer["chosen"] is None
    assert (outcome.answer["nearest"]["height"], outcome.answer["nearest"]["backend"]) == (64, "openvino")
    assert "nothing changed; nearest: 64x96 fp32 on openvino" in outcome.err
    assert tuned.find(bundle, bundle.box, pytest.fail) == kept


@pytest.fixture
def classified(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures each measurement of accuracy classified."""
    done: list[int] = []
    original = exam.logits_of

    def counted(classifier: object, frames: np.ndarray, *rest: object) -> object:
        done.append(len(frames))
        return original(classifier, frames, *rest)

    monkeypatch.setattr(exam, "logits_of", counted)
    return done


def test_what_is_done_is_not_done_again(
    bundle: Bundle,
    data: Path,
    classified: list[int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = timed(monkeypatch, small_is_fast)
    own = ("--sizes", "64x96", "--backends", "opencv")
    first = run(capsys, bundle, data, *own).answer
    assert (len(classified), len(done)) == (1, 1)
    assert run(capsys, bundle, data, *own).answer == first
    assert (len(classified), len(done)) == (1, 1)
    # Another grid: accuracy stands, times do not, since they are compared with each other.
    run(capsys, bundle, data, *own, "--threads", "0,1")
    assert (len(classified), len(done)) == (1, 3)
    # Other pictures: accuracy does not stand.
    run(capsys, bundle, data, *own, "--threads", "0,1", "--pictures", 6)
    assert (classified[1:], len(done)) == ([6], 3)


def test_an_interrupted_run_goes_on_and_needs_no_matplotlib(
    bundle: Bundle, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(point: Point) -> float:
        if len(done) == 2:
            raise KeyboardInterrupt
        return 1.0

    options = ("--sizes", "64x96", "--backends", "opencv", "--threads", "0,1")
    done = timed(monkeypatch, interrupted)
    outcome = run(capsys, bundle, data, *options)
    assert outcome.code == 130
    assert "goes on from there" in outcome.err
    assert outcome.out == ""
    assert not (bundle.box / tuned.FILE).exists()
    rest = timed(monkeypatch, lambda point: 1.0)
    monkeypatch.setattr(pareto, "find_spec", lambda name: None)
    outcome = run(capsys, bundle, data, *options)
    assert outcome.code == 0
    assert len(rest) == 2 - 1
    assert "no picture: matplotlib is not installed" in outcome.err
    assert not (bundle.box / pareto.FILE).exists()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--sizes", "64", "height x width"),
        ("--sizes", ",", "--sizes: takes a list"),
        ("--precisions", "fp64", "--precisions fp64: takes fp32"),
        ("--backends", "abacus", "abacus: unknown"),
        ("--threads", "-1", "--threads -1"),
        ("--threads", "x", "--threads x"),
        ("--max-latency", "0", "--max-latency 0"),
        ("--max-latency", "nan", "--max-latency nan"),
        ("--max-drop", "nan", "--max-drop nan"),
        ("--max-drop", "-1", "--max-drop -1"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    option: str, value: str, said: str, bundle: Bundle, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in run(capsys, bundle, data, option, value).mistake
    assert not bundle.box.exists()
