"""The OpenVINO IR, run in OpenVINO: the same answers as the ONNX it came from, and it tells of itself."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openvino
import pytest

from edge_resnet import files
from edge_resnet.errors import UserError
from edge_resnet.manifest import ModelSpec
from export.folders.openvino_ir import RT_INFO, write_openvino_ir
from runtime.backends.openvino_ import shared_core
from tests.parity.conftest import FRAMES, SPEC, Exported

FILES = {"fp32": "model.xml", "fp16": "model.fp16.xml", "int8.x86": "model.int8.xml"}


@pytest.fixture(scope="module")
def folder(exported: Exported, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ir") / "openvino"
    written = write_openvino_ir(exported.bundle, folder)
    assert written == [folder / name for variant, name in FILES.items() if variant in exported.bundle.variants]
    return folder


def logits(model: openvino.Model) -> np.ndarray:
    compiled = shared_core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.asarray(compiled({"frames": FRAMES})["logits"])


@pytest.mark.parametrize("variant", list(FILES))
def test_the_ir_answers_as_its_onnx(variant: str, folder: Path, exported: Exported) -> None:
    wanted = logits(shared_core().read_model(model=exported.bundle.model_bytes(variant)))
    model = shared_core().read_model(folder / FILES[variant])
    np.testing.assert_allclose(logits(model), wanted, atol=1e-5)
    (frames,) = model.inputs
    assert (frames.get_any_name(), frames.element_type, str(frames.partial_shape)) == (
        "frames",
        openvino.Type.u8,
        "[?,64,96,3]",
    )
    assert [output.get_any_name() for output in model.outputs] == ["logits", "cam"]


def test_fp32_is_not_compressed(folder: Path) -> None:
    sizes = {name: (folder / name).with_suffix(".bin").stat().st_size for name in FILES.values()}
    assert sizes["model.xml"] > 1.9 * sizes["model.fp16.xml"] > 1.9 * sizes["model.int8.xml"]


def test_labels_and_preprocessing_are_in_the_ir_and_beside_it(folder: Path, exported: Exported) -> None:
    told = json.loads((folder / "metadata.json").read_text())
    assert ModelSpec.model_validate(told["model"]) == SPEC
    for name, entry in told["models"].items():
        assert entry["xml_sha256"] == files.sha256(folder / name)
        assert entry["onnx_sha256"] == exported.bundle.model_sha256(entry["variant"])
        model = shared_core().read_model(folder / name)
        info = {key: str(model.get_rt_info([RT_INFO, key]).astype(str)) for key in ("labels", "resize", "model")}
        assert info["labels"].splitlines() == list(SPEC.labels)
        assert info["resize"] == "stretch"
        assert ModelSpec.model_validate_json(info["model"]) == SPEC


def test_what_is_not_ours_is_not_replaced(exported: Exported, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="not replaced"):
        write_openvino_ir(exported.bundle, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
