"""From a run to a bundle: whole, with its proof, and only when the proof holds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from edge_resnet import files
from edge_resnet.bundle import Bundle
from edge_resnet.errors import UserError
from edge_resnet.manifest import AlarmSpec
from export import engines, graph, package
from export.package import export_run
from runtime.backends.tensorrt.options import Options
from tests.parity.conftest import FRAMES, SPEC, Exported


@pytest.fixture
def graph_made_once(exported: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exporting is tested in test_graph; here the same graph is used again, since it takes seconds."""
    made = exported.bundle.model_bytes("fp32")
    monkeypatch.setattr(graph, "export_onnx", lambda model, spec: graph.onnx.load_from_string(made))


def test_the_manifest_covers_every_file_and_tells_where_it_came_from(exported: Exported) -> None:
    bundle = exported.bundle
    bundle.check()
    models = {"model.onnx", "model.fp16.onnx", "model.int8.x86.onnx", "model.int8.trt.onnx"}
    assert set(bundle.manifest.files) == {*models, "calibration.json", "golden.npz", "parity.json", "parity.html"}
    assert {path.name for path in bundle.folder.iterdir()} == {*bundle.manifest.files, "manifest.json"}
    provenance = bundle.manifest.provenance
    assert provenance["weights_sha256"] == files.sha256(exported.run / "model.safetensors")
    assert {"torch", "torchvision", "onnx", "python", "edge-resnet"} <= set(provenance["versions"])
    assert provenance["arguments"] == {"seed": 0}
    assert provenance["fp32_in_fp16"] == []
    assert [path.name for path in exported.run.iterdir() if path.name.startswith(".")] == []


def test_the_golden_frames_are_the_callers_and_their_logits_the_references(exported: Exported) -> None:
    golden = exported.bundle.golden()
    np.testing.assert_array_equal(golden.frames, FRAMES[:8])
    from edge_resnet.model import normalise

    with torch.inference_mode():
        wanted = exported.model(normalise(torch.from_numpy(golden.frames))).numpy()
    np.testing.assert_allclose(golden.logits, wanted, atol=1e-5)


def test_a_bundle_that_fails_its_proof_is_put_aside_and_the_old_one_stays(
    exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "bundle"
    out.mkdir()
    (out / "manifest.json").write_text("the old one")

    def other_graph(model: object, spec: object) -> object:
        proto = graph.onnx.load_from_string(exported.bundle.model_bytes("fp32"))
        (scale,) = (item for item in proto.graph.initializer if item.name == "pixels.scale")
        wrong = graph.numpy_helper.to_array(scale)[:, ::-1].copy()
        scale.CopyFrom(graph.numpy_helper.from_array(wrong, scale.name))
        return proto

    # Standard deviations in RGB order where the graph is BGR: the kind of mistake that parity is for.
    monkeypatch.setattr(graph, "export_onnx", other_graph)
    export = export_run(exported.run, out, golden_frames=FRAMES[:4])
    assert not export.report.passed
    assert (out / "manifest.json").read_text() == "the old one"
    assert export.folder == tmp_path / "bundle.rejected"
    assert "fail" in (export.folder / "parity.html").read_text()
    assert json.loads(Bundle.open(export.folder).read("parity.json"))["verdict"] == "fail"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "bundle.rejected"]


@pytest.mark.usefixtures("graph_made_once")
def test_a_good_export_takes_the_place_of_the_old_bundle(exported: Exported, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    for folder in (out, tmp_path / "bundle.rejected"):
        folder.mkdir()
        (folder / "manifest.json").write_text("the old one")
    alarms = {"danger": AlarmSpec(classes=("fire", "smoke"), threshold=0.7)}
    export = export_run(exported.run, out, alarms=alarms)
    assert export.report.passed
    bundle = Bundle.open(export.folder)
    assert bundle.variants == ("fp32",)
    assert bundle.model.alarms == alarms
    # Without pictures from the caller it carries drawn ones, which show nobody.
    assert len(bundle.golden().frames) == 16
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_folder_that_is_no_bundle_is_never_replaced(exported: Exported, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    for target in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(UserError, match="does not replace"):
            export_run(exported.run, target)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_mistakes_are_told_and_leave_nothing(exported: Exported, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    with pytest.raises(UserError, match="no trained model"):
        export_run(tmp_path / "nothing", out)
    with pytest.raises(UserError, match="unknown class ghost"):
        export_run(exported.run, out, alarms={"ghost": AlarmSpec(classes=("ghost",))})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("graph_made_once")
def test_too_many_golden_frames_are_refused(exported: Exported, tmp_path: Path) -> None:
    many = np.zeros((49, SPEC.input.height, SPEC.input.width, 3), np.uint8)
    with pytest.raises(UserError, match="49 golden frames"):
        export_run(exported.run, tmp_path / "bundle", golden_frames=many)
    assert package.REJECTED not in "".join(path.name for path in tmp_path.iterdir())


@pytest.mark.usefixtures("graph_made_once")
def test_engines_are_made_with_the_bundle_and_the_proof_reads_built_not_run(exported: Exported, tmp_path: Path) -> None:
    pytest.importorskip("tensorrt_rtx")
    if torch.cuda.is_available():
        pytest.skip("a GPU is here, so the engine is run: tests/parity/test_gpu.py")
    lines: list[str] = []
    options = Options.asked("SM89")
    export = export_run(exported.run, tmp_path / "bundle", golden_frames=FRAMES[:4], tensorrt=options, say=lines.append)
    assert any("tensorrt_rtx fp32 for SM89: built" in line for line in lines)
    rows = {(row.backend, row.precision): row.verdict for row in export.report.rows}
    assert rows["tensorrt_rtx", "fp32"] == "built, not run"
    assert export.report.passed
    (engine,) = (tmp_path / "bundle" / "box" / "tensorrt").glob("*.engine")
    assert engine.name not in Bundle.open(tmp_path / "bundle").manifest.files
    # For the GPU here, which is absent: told, and the rest goes on.
    engines.build_engines(Bundle.open(tmp_path / "bundle"), Options.asked("current"), lines.append)
    assert "no GPU here to build for; name its kind with --target" in lines[-1]


def test_an_absent_tensorrt_is_told(exported: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr(engines, "installed", lambda: ["opencv"])
    engines.build_engines(exported.bundle, Options.asked("current"), lines.append)
    assert "not installed here" in lines[0]
    with pytest.raises(UserError, match="--target turing"):
        Options.asked("turing")
