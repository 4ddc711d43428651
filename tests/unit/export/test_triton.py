"""The Triton model repository, against the schema that the server itself parses it with."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest
import tritonclient.grpc as triton
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInstanceGroup

from edge_resnet.bundle import MODEL_FILES, Bundle, write_manifest
from edge_resnet.errors import UserError
from edge_resnet.manifest import InputSpec, ModelSpec
from export.folders.triton import write_triton
from runtime.backends.tensorrt.options import Options
from runtime.backends.tensorrt.shelf import Shelf

# 77 x 90 pixels are no multiples of a map's cell.
SPEC = ModelSpec(labels=("normal", 'a "quoted" fire', "two\nlines"), input=InputSpec(height=77, width=90))
UINT8, FP32 = 2, 11


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """A bundle with a file for each variant, and each its own bytes."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    for variant, name in MODEL_FILES.items():
        (folder / name).write_text(f"onnx {variant}")
    return write_manifest(folder, SPEC, {})


def config(folder: Path, name: str) -> ModelConfig:
    return text_format.Parse((folder / name / "config.pbtxt").read_text(), ModelConfig())


def test_each_precision_is_a_model_that_the_schema_accepts(bundle: Bundle, tmp_path: Path) -> None:
    folder = tmp_path / "triton"
    assert write_triton(bundle, folder) == ["edge_resnet_fp32", "edge_resnet_fp16", "edge_resnet_int8"]
    for precision, variant in (("fp32", "fp32"), ("fp16", "fp16"), ("int8", "int8.x86")):
        name = f"edge_resnet_{precision}"
        parsed = config(folder, name)
        assert (parsed.name, parsed.backend, parsed.max_batch_size) == (name, "onnxruntime", 8)
        (frames,) = parsed.input
        assert (frames.name, frames.data_type, list(frames.dims)) == ("frames", UINT8, [77, 90, 3])
        logits, cam = parsed.output
        assert (logits.name, logits.data_type, list(logits.dims)) == ("logits", FP32, [3])
        assert (cam.name, cam.data_type, list(cam.dims)) == ("cam", FP32, [3, 3, 3])
        assert parsed.HasField("dynamic_batching")
        assert parsed.version_policy.latest.num_versions == 1
        labels = (folder / name / logits.label_filename).read_text().splitlines()
        assert labels == ["normal", 'a "quoted" fire', "two lines"]
        assert (folder / name / "1" / "model.onnx").read_text() == f"onnx {variant}"
        kinds = [group.kind for group in parsed.instance_group]
        assert kinds == ([ModelInstanceGroup.KIND_CPU] if precision == "int8" else [])
    assert (ModelConfig.DESCRIPTOR.file.enum_types_by_name["DataType"].values_by_name["TYPE_UINT8"].number) == UINT8


def test_what_the_bundle_lacks_is_no_model(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"onnx")
    assert write_triton(write_manifest(folder, SPEC, {}), tmp_path / "triton") == ["edge_resnet_fp32"]


def test_sound_engines_of_tensorrt_in_the_box_are_models_too(bundle: Bundle, tmp_path: Path) -> None:
    shelf = Shelf(bundle.box, pytest.fail)
    fp16, int8 = (bundle.model_sha256(variant) for variant in ("fp16", "int8.trt"))
    shelf.write("tensorrt-fp16-current.engine", b"plan", {"model": fp16}, Options(max_batch=4), {})
    shelf.write("tensorrt-int8-ampere+.engine", b"plan for all", {"model": int8}, Options(target="ampere+"), {})
    # Not ours to serve: of another model, of RTX (which Triton does not load), and damaged.
    shelf.write("tensorrt-fp32-current.engine", b"old", {"model": "0" * 64}, Options(), {})
    shelf.write("tensorrt_rtx-fp16-SM89.engine", b"rtx", {"model": fp16}, Options(), {})
    shelf.write("tensorrt-fp16-SM89.engine", b"whole", {"model": fp16}, Options(), {})
    (bundle.box / "tensorrt" / "tensorrt-fp16-SM89.engine").write_bytes(b"holes")
    folder = tmp_path / "triton"
    names = write_triton(bundle, folder)
    assert names[3:] == ["edge_resnet_fp16_tensorrt", "edge_resnet_int8_tensorrt_ampere_plus"]
    parsed = config(folder, "edge_resnet_fp16_tensorrt")
    assert (parsed.backend, parsed.max_batch_size) == ("tensorrt", 4)
    assert (folder / "edge_resnet_fp16_tensorrt" / "1" / "model.plan").read_bytes() == b"plan"
    assert config(folder, names[4]).name == names[4]


def test_the_readme_shows_calls_that_the_client_has(bundle: Bundle, tmp_path: Path) -> None:
    names = write_triton(bundle, tmp_path / "triton")
    readme = (tmp_path / "triton" / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    compile(code, "README.md", "exec")
    assert f'client.infer("{names[0]}"' in code
    assert "[1, 77, 90, 3]" in code
    assert f"v2/models/{names[0]}/ready" in readme
    assert {"inputs", "outputs"} <= set(inspect.signature(triton.InferenceServerClient.infer).parameters)
    assert "class_count" in inspect.signature(triton.InferRequestedOutput).parameters


def test_an_older_repository_of_ours_is_replaced_and_nothing_else(bundle: Bundle, tmp_path: Path) -> None:
    folder = tmp_path / "triton"
    folder.mkdir()
    write_triton(bundle, folder)
    write_triton(bundle, folder)
    assert json.loads((folder / "metadata.json").read_text())["model"]["labels"] == list(SPEC.labels)
    (folder / "their_model").mkdir()
    with pytest.raises(UserError, match="not replaced; name another folder"):
        write_triton(bundle, folder)
    assert (folder / "their_model").is_dir()


@pytest.mark.parametrize(
    "content", [None, "{", "[]", '{"format": "edge-resnet openvino", "entries": ["metadata.json"]}', "[" * 100_000]
)
def test_a_folder_that_is_not_ours_is_refused(content: str | None, bundle: Bundle, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / ("notes.txt" if content is None else "metadata.json")).write_text(content or "mine")
    with pytest.raises(UserError, match="not replaced"):
        write_triton(bundle, folder)
    assert len(list(folder.iterdir())) == 1
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="not replaced"):
        write_triton(bundle, tmp_path / "file")
