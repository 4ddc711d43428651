"""The proof on a real bundle: its rows, its reference, and that a wrong model does not pass."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edge_resnet import files
from edge_resnet.bundle import MODEL_FILES, Bundle, Golden, write_golden, write_manifest
from edge_resnet.classifier import Scores
from edge_resnet.errors import BackendError, BundleError, UserError
from edge_resnet.hardware import cpu_has_bf16
from export.parity import trials as parity_module
from export.parity.trials import Reference, find_reference, parity
from runtime import backends
from tests.parity.conftest import FRAMES, Exported


class Known:
    """A reference whose answers to `frames` are written down."""

    def __init__(self, frames: npt.NDArray[np.uint8], logits: npt.NDArray[np.float32]) -> None:
        self._answers = {frame.tobytes(): answer for frame, answer in zip(frames, logits, strict=True)}

    def infer(self, frames: npt.NDArray[np.uint8]) -> Scores:
        logits = np.stack([self._answers[frame.tobytes()] for frame in frames])
        return Scores(logits, logits[:, :, None, None])


@pytest.fixture
def copied(exported: Exported, tmp_path: Path) -> Bundle:
    """A bundle away from its run, whose files are links to the real one's content."""
    folder = tmp_path / "elsewhere" / "bundle"
    folder.mkdir(parents=True)
    for name in [*exported.bundle.manifest.files, "manifest.json"]:
        (folder / name).hardlink_to(exported.bundle.folder / name)
    return Bundle.open(folder)


def test_the_export_was_proven_on_every_engine(exported: Exported) -> None:
    report = json.loads(exported.bundle.read("parity.json"))
    assert (report["verdict"], report["reference"], report["n"]) == ("pass", "torch", len(FRAMES))
    verdicts = {(row["backend"], row["precision"]): row["verdict"] for row in report["rows"]}
    for engine in ("onnxruntime", "openvino", "opencv"):
        assert verdicts[engine, "fp32"] == "pass"
    if platform.machine() == "x86_64":
        assert verdicts["torch", "fp16"] == verdicts["opencv", "fp16"] == "emulated"
    for row in report["rows"]:
        if row["description"] is None:
            assert row["verdict"] in ("not installed", "unsupported")
            continue
        assert row["n"] == len(FRAMES)
        assert row["map_difference"] < (2e-2 if row["precision"] in ("bf16", "int8") else 1e-3)
        assert row["accuracy"]["non_inferiority"] in ("shown", "undecided")
        assert set(row["calibration"]) == {"reference", "candidate"}
        assert row["proof"]["state"] == ("emulated" if row["verdict"] == "emulated" else _inspected(row["backend"]))
        # Of all the figures only speed is left out where nobody asks for it.
        assert row["speed"] is None
    assert report["recommendation"]
    # The bundle carries pictures of its caller only where it was told so.
    assert report["gallery"] is None
    assert "Left out" in exported.bundle.read("parity.html").decode()


def _inspected(backend: str) -> str:
    return "shown" if backend in ("onnxruntime", "openvino") else "not told"


def test_a_bundle_away_from_its_run_is_compared_with_its_golden_logits(copied: Bundle) -> None:
    with find_reference(copied) as reference:
        assert reference.name == "golden"
        report = parity(copied, reference, backends=["opencv"])
        with pytest.raises(UserError, match="--run"):
            parity(copied, reference, FRAMES)
    assert report.passed
    assert report.n == 8


def test_the_run_beside_the_bundle_is_the_reference(exported: Exported) -> None:
    with find_reference(exported.bundle) as reference:
        assert (reference.name, reference.run) == ("torch", exported.run.resolve())


def test_another_run_is_refused(copied: Bundle, exported: Exported, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    weights = (exported.run / "model.safetensors").read_bytes()
    (wrong / "model.safetensors").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    with pytest.raises(UserError, match=r"not what .* was exported from"), find_reference(copied, wrong):
        pass
    # One that lies beside the bundle by chance is no better.
    (copied.folder.parent / "model.safetensors").hardlink_to(wrong / "model.safetensors")
    with pytest.raises(UserError, match=r"not what .* was exported from"), find_reference(copied):
        pass
    with pytest.raises(UserError, match="no trained model here"), find_reference(copied, tmp_path):
        pass


def test_answers_of_another_model_fail(exported: Exported) -> None:
    with backends.open_backend("opencv", exported.bundle) as engine:
        logits = engine.infer(FRAMES).logits
    wrong = logits.copy()
    wrong[3] += 2e-3
    assert parity(exported.bundle, Reference("known", Known(FRAMES, logits)), FRAMES, backends=["opencv"]).passed
    report = parity(exported.bundle, Reference("known", Known(FRAMES, wrong)), FRAMES, backends=["opencv"])
    assert not report.passed
    (row,) = (row for row in report.rows if row.precision == "fp32")
    assert row.verdict == "fail"
    assert "|d logit| 0.002" in row.reason


def test_emulated_figures_that_fail_are_a_failure(copied: Bundle) -> None:
    """An fp16 file with the numbers of another model must not hide behind `emulated`."""
    golden = copied.golden()
    shifted = Golden(golden.frames, golden.logits + np.float32(5e-3))
    reference = Reference("known", Known(golden.frames, shifted.logits))
    report = parity(copied, reference, golden.frames, backends=["opencv"])
    assert {row.precision: row.verdict for row in report.rows} == {"fp32": "fail", "fp16": "fail"}


def test_a_changed_byte_is_refused(copied: Bundle) -> None:
    model = copied.folder / MODEL_FILES["fp32"]
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.unlink()
    model.write_bytes(data)
    with pytest.raises(BundleError, match="changed since export"):
        backends.open_backend("opencv", copied)
    with find_reference(copied) as reference, pytest.raises(BundleError, match="changed since export"):
        parity(copied, reference, backends=["opencv"])


def test_a_file_that_is_no_model_is_unsupported_and_does_not_pass(copied: Bundle) -> None:
    for variant in copied.variants:
        (copied.folder / MODEL_FILES[variant]).unlink()
    (copied.folder / MODEL_FILES["fp32"]).write_bytes(b"no model")
    broken = write_manifest(copied.folder, copied.model, copied.manifest.provenance)
    for engine in ("onnxruntime", "openvino", "opencv"):
        with pytest.raises(BackendError, match=f"{engine}.*cannot open") as caught:
            backends.open_backend(engine, broken)
        assert "\n" not in str(caught.value)
    with find_reference(broken) as reference:
        report = parity(broken, reference)
    there = [row for row in report.rows if row.verdict != "not installed"]
    assert {row.verdict for row in there} == {"unsupported"}
    of_openvino = ["fp32", "bf16"] if cpu_has_bf16() else ["fp32"]
    assert [row.precision for row in there if row.backend == "openvino"] == of_openvino
    assert not report.passed


def test_an_engine_that_is_not_installed_is_a_row_or_when_named_an_error(
    copied: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = backends.registry
    found = registry.find_spec
    monkeypatch.setattr(registry, "find_spec", lambda name: None if name == "openvino" else found(name))
    with find_reference(copied) as reference:
        report = parity(copied, reference)
        with pytest.raises(BackendError, match=r"pip install 'edge-resnet\[cpu\]'"):
            parity(copied, reference, backends=["openvino"])
        with pytest.raises(UserError, match="unknown"):
            parity(copied, reference, backends=["abacus"])
    (row,) = (row for row in report.rows if row.backend == "openvino")
    assert (row.precision, row.verdict) == ("all", "not installed")
    assert "all" not in report.not_shown
    assert report.passed


def test_progress_counts_every_picture(copied: Bundle) -> None:
    told: list[tuple[str, int, int]] = []
    with find_reference(copied) as reference:
        parity(
            copied, reference, backends=["opencv"], progress=lambda what, done, total: told.append((what, done, total))
        )
    assert told[-1] == ("opencv fp16", 8, 8)


def test_no_pictures_is_told(exported: Exported) -> None:
    with find_reference(exported.bundle) as reference, pytest.raises(UserError, match="no pictures"):
        parity(exported.bundle, reference, FRAMES[:0])


def test_golden_logits_that_are_not_the_models_fail(copied: Bundle) -> None:
    golden = copied.golden()
    (copied.folder / "golden.npz").unlink()
    write_golden(copied.folder / "golden.npz", Golden(golden.frames, golden.logits[::-1].copy()))
    changed = write_manifest(copied.folder, copied.model, copied.manifest.provenance)
    assert files.sha256(changed.folder / "golden.npz") == changed.manifest.files["golden.npz"].sha256
    with find_reference(changed) as reference:
        assert not parity(changed, reference, backends=["opencv"]).passed


def test_what_is_emulated_sees_a_spread_of_the_pictures_and_all_else_all(
    exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parity_module, "_STAND_IN_PICTURES", 8)
    batches = [FRAMES[start : start + 2] for start in range(0, 20, 2)]
    with find_reference(exported.bundle) as reference:
        report = parity(exported.bundle, reference, batches, backends=["opencv"])
    seen = {row.precision: row.to_json()["n"] for row in report.rows}
    assert seen == {"fp32": 20, "fp16": 8}
    assert "on 8 pictures" in report.to_json()["rows"][1]["in_words"]


def test_the_spread_keeps_pictures_answers_and_labels_together() -> None:
    frames = [np.full((16, 1, 1, 3), index, np.uint8) for index in range(16)]
    wanted = np.arange(256, dtype=np.float32)[:, None]
    exam = parity_module._Exam(frames, np.arange(256), wanted, np.arange(256)).thinned()
    assert [int(batch[0, 0, 0, 0]) for batch in exam.batches] == [0, 4, 8, 12]
    assert exam.labels is not None
    kept = [*range(16), *range(64, 80), *range(128, 144), *range(192, 208)]
    assert exam.wanted[:, 0].tolist() == exam.labels.tolist() == exam.places.tolist() == kept
