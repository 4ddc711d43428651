"""What a report finds beside the gates, on real engines: changed pictures, silent downgrades, speed, drift."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edge_resnet.bundle import BOX, MODEL_FILES, Bundle, write_manifest
from edge_resnet.classifier import Classifier, Scores
from edge_resnet.command import Exit
from edge_resnet.errors import BackendError
from edge_resnet.verdict import judge
from export.parity import speed
from export.parity import trials as parity_module
from export.parity.precision import of_engine
from export.parity.trials import Reference, find_reference, parity
from runtime.backends import Backend, Description, Executed, open_backend
from tests.commands import edge_resnet
from tests.drawn import class_folders
from tests.parity.conftest import FRAMES, SPEC, Exported


class Moved:
    """A trained model that answers as an engine does, but is sure of another class on frames 3 and 17."""

    def __init__(self, engine: Classifier) -> None:
        self._engine = engine

    def infer(self, frames: npt.NDArray[np.uint8]) -> Scores:
        scores = self._engine.infer(frames)
        for frame, logits in zip(frames, scores.logits, strict=True):
            if (frame == FRAMES[3]).all() or (frame == FRAMES[17]).all():
                logits[(logits.argmax() + 1) % len(logits)] = logits.max() + 20
        return scores


@pytest.fixture
def linked(exported: Exported, tmp_path: Path) -> Path:
    """A folder with the bundle's files, whose models may be replaced."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name in [*exported.bundle.manifest.files, "manifest.json"]:
        (folder / name).hardlink_to(exported.bundle.folder / name)
    return folder


def test_pictures_that_changed_sides_are_shown_with_both_maps(exported: Exported) -> None:
    with open_backend("onnxruntime", exported.bundle) as engine:
        report = parity(exported.bundle, Reference("moved", Moved(engine)), FRAMES, backends=["onnxruntime"])
        without = parity(
            exported.bundle, Reference("moved", Moved(engine)), FRAMES, backends=["onnxruntime"], gallery=False
        )
    assert not report.passed
    gallery = report.gallery
    assert gallery is not None
    fp32, *_others = report.rows
    shown = {picture.index: picture for picture in gallery.pictures if picture.row == fp32.name}
    assert set(shown) == {3, 17}
    for index, picture in shown.items():
        np.testing.assert_array_equal(picture.frame, FRAMES[index])
        assert picture.reference.label == (picture.candidate.label + 1) % 3
        assert picture.reference.own > 0.99 > picture.candidate.other
        for answer in (picture.reference, picture.candidate):
            assert answer.heat is not None
            assert answer.heat.shape == (2, 3)
    assert sum(flip["pictures"] for flip in fp32.to_json(SPEC.labels)["flips"]) == 2
    assert without.gallery is None


def test_an_int8_file_that_computes_in_fp32_is_a_silent_downgrade(exported: Exported, linked: Path) -> None:
    (linked / MODEL_FILES["int8.x86"]).unlink(missing_ok=True)
    (linked / MODEL_FILES["int8.x86"]).write_bytes(exported.bundle.model_bytes("fp32"))
    bundle = write_manifest(linked, exported.bundle.model, exported.bundle.manifest.provenance)
    with find_reference(bundle) as reference:
        report = parity(bundle, reference, backends=["openvino"])
    (row,) = (row for row in report.rows if row.precision == "int8")
    assert (row.verdict, row.reason) == ("fail", "it silently ran fp32 though the device has int8")
    assert row.proof is not None
    assert row.proof.state == "not shown"


def test_an_engine_that_runs_a_quarter_in_another_precision_has_left_its_own() -> None:
    description = Description(
        "openvino", "1", "CPU", "int8", "int8", executed=Executed({"int8": 40, "fp32": 14}, 9, 20)
    )
    result = judge("int8", np.eye(3), np.eye(3))
    verdict, reason = parity_module._row_verdict(description, of_engine(description), result)
    assert verdict == "fail"
    assert reason == (
        "the engine left its precision, not shown: 40 of 54 convolutions in INT8, 14 in FP32, 9 of 16 additions fused, "
        "20 reformats"
    )
    nearly_all = replace(description, executed=Executed({"int8": 53, "fp32": 1}))
    assert parity_module._row_verdict(nearly_all, of_engine(nearly_all), result) == ("pass", "")


def test_engines_that_pass_are_timed_and_stand_ins_are_not(exported: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "ROUNDS", 1)
    monkeypatch.setattr(speed, "ENOUGH_S", 0.0)
    told: list[str] = []
    with find_reference(exported.bundle) as reference:
        report = parity(
            exported.bundle,
            reference,
            FRAMES[:4],
            backends=["onnxruntime", "opencv"],
            speed=True,
            progress=lambda what, done, total: told.append(what),
        )
    assert told[-1].startswith("speed")
    speeds = {(row.backend, row.precision): row.speed for row in report.rows if row.verdict == "pass"}
    assert {("onnxruntime", "fp32"), ("opencv", "fp32")} <= set(speeds)
    bases = {found.base for found in speeds.values() if found is not None}
    assert len(bases) == 1
    base = speeds[bases.pop()]
    assert base is not None
    assert (base.ratio, base.rounds) == (1.0, 1)
    assert all(row.speed is None for row in report.rows if row.verdict != "pass")
    assert report.recommendation.startswith("Ship ")
    json.dumps(report.to_json(), allow_nan=False)


def test_a_race_that_cannot_be_run_leaves_the_verdicts(exported: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*arguments: object) -> None:
        raise BackendError("no memory for all of them")

    monkeypatch.setattr(parity_module, "race", no_memory)
    with find_reference(exported.bundle) as reference:
        report = parity(exported.bundle, reference, FRAMES[:2], backends=["opencv"], speed=True)
    assert report.passed
    assert report.rows[0].reason == "speed not measured: no memory for all of them"
    assert report.rows[0].speed is None


def test_an_engine_that_lies_built_in_the_box_is_built_not_run(
    linked: Path, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_its_device(backend: str, *arguments: object, **options: object) -> Backend:
        raise BackendError(f"{backend}: no GPU here")

    bundle = Bundle.open(linked)
    monkeypatch.setattr(parity_module, "built_not_run", lambda name, bundle, precision, box: precision == "fp16")
    with find_reference(bundle, exported.run) as reference:
        monkeypatch.setattr(parity_module, "open_backend", without_its_device)
        before = parity(bundle, reference, FRAMES[:2], backends=["opencv"])
        (linked / BOX).mkdir()
        report = parity(bundle, reference, FRAMES[:2], backends=["opencv"])
    assert {row.verdict for row in before.rows} == {"unsupported"}
    assert [(row.precision, row.verdict) for row in report.rows] == [
        ("fp32", "unsupported"),
        ("fp16", "built, not run"),
    ]
    assert str(report.rows[1].proof) == "built, not run"
    assert report.rows[1].reason == "opencv: no GPU here"
    assert "fp16" in report.not_shown


def test_the_command_writes_the_page_with_pictures_and_drift(
    exported: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parity_module, "NAMES", ("opencv", "torch"))
    data = class_folders(tmp_path / "data", dict.fromkeys(SPEC.labels, 3))
    page = tmp_path / "page.html"
    outcome = edge_resnet(
        capsys, "parity", exported.bundle.folder, "--data", data, "--no-speed", "--out", page, "--json"
    )
    assert outcome.code == Exit.FINE, outcome.err
    answer = outcome.answer
    assert (answer["verdict"], answer["n"], len(answer["drift"])) == ("pass", 9, 3)
    assert all(drift["n"] == 9 and 0 <= drift["mean"] <= drift["largest"] <= 1 for drift in answer["drift"])
    assert answer["drift"][-1]["largest"] > 0
    assert answer["gallery"] == {"changed": 0, "pictures": []}
    assert "9 pictures went through the trained model (torch)" in page.read_text()
    assert "a folder" in edge_resnet(capsys, "parity", exported.bundle.folder, "--out", tmp_path).mistake
    told = edge_resnet(capsys, "parity", exported.bundle.folder, "--data", data, "--no-speed")
    assert "FP32 on OpenCV: " in told.out
    assert "Speed was not measured" in told.out
