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
from export import parity as parity_module
from export.parity import Reference, find_reference, parity
from runtime import backends
from tests.parity.conftest import FRAMES, Exported


class Known:
    """A reference whose answers are written down."""

    def __init__(self, logits: npt.NDArray[np.float32]) -> None:
        self._logits = iter(logits)

    def infer(self, frames: npt.NDArray[np.uint8]) -> Scores:
        logits = np.stack([next(self._logits) for _ in frames])
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
        assert row["n"] == len(FRAMES)
        assert row["map_difference"] < (2e-2 if row["precision"] == "bf16" else 1e-3)
        assert row["accuracy"]["non_inferiority"] in ("shown", "undecided")
        assert row["description"]["runs"] in ("fp32", "fp16", "bf16")


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
    assert parity(exported.bundle, Reference("known", Known(logits)), FRAMES, backends=["opencv"]).passed
    report = parity(exported.bundle, Reference("known", Known(wrong)), FRAMES, backends=["opencv"])
    assert not report.passed
    (row,) = (row for row in report.rows if row.precision == "fp32")
    assert row.verdict == "fail"
    assert "|d logit| 0.002" in row.reason


def test_emulated_figures_that_fail_are_a_failure(copied: Bundle) -> None:
    """An fp16 file with the numbers of another model must not hide behind `emulated`."""
    golden = copied.golden()
    shifted = Golden(golden.frames, golden.logits + np.float32(5e-3))
    reference = Reference("known", Known(shifted.logits))
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
    assert [row.verdict for row in report.rows] == ["unsupported"] * (4 if cpu_has_bf16() else 3)
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
    assert {row.verdict for row in report.rows if row.backend == "openvino"} == {"not installed"}
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


def test_the_software_stand_in_gets_a_spread_of_the_pictures() -> None:
    frames = [np.full((16, 1, 1, 3), index, np.uint8) for index in range(16)]
    wanted = np.arange(256, dtype=np.float32)[:, None]
    batches, logits, labels = parity_module._thinned(frames, wanted, np.arange(256))
    assert [int(batch[0, 0, 0, 0]) for batch in batches] == [0, 4, 8, 12]
    assert labels is not None
    assert logits[:, 0].tolist() == labels.tolist() == [*range(16), *range(64, 80), *range(128, 144), *range(192, 208)]
