"""INT8: the collector on a real graph, the form of both files, and what engines make of them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, numpy_helper

from edge_resnet.bundle import MODEL_FILES, write_manifest
from edge_resnet.errors import BackendError, BundleError
from edge_resnet.preprocess import Frame
from edge_resnet.verdict import judge
from export.int8 import calibrate as calibrating
from export.int8 import calibration
from export.int8 import collect as collecting
from export.int8.calibrate import Int8Request, calibrate, largest_weight
from export.int8.calibration import CALIBRATION, Calibration, TensorRanges, read, tabulate
from export.int8.collect import collect, quantised_tensors
from export.int8.quantise import REDUCED_RANGE
from export.int8.thresholds import Range
from export.int8.trt import to_int8_trt
from export.int8.x86 import to_int8_x86
from runtime.backends import open_backend, precisions
from tests.parity.conftest import FRAMES, SPEC, Exported

X86, TRT = "int8.x86", "int8.trt"


def model_of(exported: Exported, variant: str) -> onnx.ModelProto:
    return onnx.load_from_string(exported.bundle.model_bytes(variant))


@pytest.fixture(scope="module")
def fp32(exported: Exported) -> onnx.ModelProto:
    return model_of(exported, "fp32")


@pytest.fixture(scope="module")
def table(exported: Exported) -> Calibration:
    return read(exported.bundle.folder / CALIBRATION)


SOME = ("pixels", "layer1.0.downsample", "layer2.3.conv1.relu", "layer3.2.relu", "layer4.2.conv3", "layer4.2.relu")


def tabulated(fp32: onnx.ModelProto, frames: Frame, batch: int = 4) -> dict[str, TensorRanges]:
    """The table's entries of some tensors."""
    histograms = collect(fp32, frames, quiet, batch)
    return tabulate("", len(frames), "", {name: histograms[name] for name in SOME}).tensors


def quiet(done: int, total: int) -> None:
    pass


def test_neither_batch_nor_order_changes_a_threshold(fp32: onnx.ModelProto, table: Calibration) -> None:
    for batch, frames in ((1, FRAMES), (8, FRAMES[::-1]), (64, np.roll(FRAMES, 7, axis=0))):
        assert tabulated(fp32, frames, batch) == {name: table.tensors[name] for name in SOME}


def test_other_pictures_do_change_them(fp32: onnx.ModelProto, table: Calibration) -> None:
    for name, tensor in tabulated(fp32, FRAMES // 2).items():
        assert tensor != table.tensors[name]


def test_extremes_are_those_of_the_values_themselves(fp32: onnx.ModelProto, table: Calibration) -> None:
    watched = onnx.ModelProto()
    watched.CopyFrom(fp32)
    names = ["pixels", "layer1.0.downsample", "layer3.2.relu", "layer4.2.relu"]
    watched.graph.output.extend(onnx.helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    values = onnxruntime.InferenceSession(watched.SerializeToString()).run(names, {"frames": FRAMES})
    for name, given in zip(names, values, strict=True):
        assert table.tensors[name].low == pytest.approx(float(given.min()), abs=1e-5)
        assert table.tensors[name].high == pytest.approx(float(given.max()), rel=1e-5)


def test_openvino_collects_where_onnxruntime_is_not_installed(
    fp32: onnx.ModelProto, table: Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "engine", lambda: "openvino")
    for name, tensor in tabulated(fp32, FRAMES).items():
        assert tensor.high == pytest.approx(table.tensors[name].high, rel=1e-3)


def test_no_engine_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "find_spec", lambda name: None)
    with pytest.raises(BackendError, match=r"needs an engine for it; pip install 'edge-resnet\[cpu\]'"):
        collecting.engine()


def test_values_that_are_no_numbers_are_refused(fp32: onnx.ModelProto) -> None:
    broken = onnx.ModelProto()
    broken.CopyFrom(fp32)
    (bias,) = (constant for constant in broken.graph.initializer if constant.name == "conv1.bias")
    bias.CopyFrom(numpy_helper.from_array(np.full(64, np.nan, np.float32), bias.name))
    with pytest.raises(BackendError, match="no numbers"):
        collect(broken, FRAMES[:2], quiet)


def test_an_earlier_table_is_used_when_its_key_fits_and_made_again_when_not(
    fp32: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The search is not what is tested here, and takes seconds for all tensors.
    monkeypatch.setattr(calibration, "threshold", lambda histogram, method, scheme: Range(-1.0, 1.0))
    decoded: list[int] = []

    def frames() -> Frame:
        decoded.append(1)
        return FRAMES[:4]

    told: list[str] = []
    request = Int8Request(("a", "b"), frames, earlier=tmp_path)

    def again(weights: str = "w", **changes: object) -> Calibration:
        done = calibrate(fp32, weights, SPEC.input, replace(request, **changes), told.append, quiet)  # type: ignore[arg-type]
        (tmp_path / CALIBRATION).write_text(done.table.model_dump_json())
        return done.table

    first = again()
    assert again() == first
    # The method is chosen from the table, not part of its key.
    assert again(method="minmax") == first
    assert (len(decoded), "used again" in told[-1]) == (1, True)
    again("other weights")
    again("other weights", hashes=("a", "c"))
    assert (len(decoded), "calibrating again" in told[-1]) == (3, True)
    content = json.loads((tmp_path / CALIBRATION).read_text())
    del content["tensors"]["conv1.relu"]
    (tmp_path / CALIBRATION).write_text(json.dumps(content))
    again("other weights", hashes=("a", "c"))
    (tmp_path / CALIBRATION).write_text("{")
    again("other weights", hashes=("a", "c"))
    assert len(decoded) == 5
    assert "not JSON; calibrating again" in told[-1]


def pairs(model: onnx.ModelProto) -> set[str]:
    """The values between a Q and a DQ, each by its name in the fp32 model."""
    return {node.input[0] for node in model.graph.node if node.op_type == "QuantizeLinear"}


def test_x86_quantises_every_value_that_is_read_and_both_inputs_of_each_add(
    exported: Exported, fp32: onnx.ModelProto
) -> None:
    model = model_of(exported, X86)
    assert pairs(model) == set(quantised_tensors(fp32))
    kinds = Counter(node.op_type for node in model.graph.node)
    assert (kinds["QuantizeLinear"], kinds["DequantizeLinear"]) == (71, 71 + 2 * 54)
    adds = [node for node in model.graph.node if node.op_type == "Add"]
    assert len(adds) == 16
    assert all(name.endswith(".dequantised") for node in adds for name in node.input)
    types = {constant.name: constant.data_type for constant in model.graph.initializer}
    assert types["layer1.0.conv1.weight.quantised"] == TensorProto.INT8
    assert types["layer1.0.conv1.bias.quantised"] == TensorProto.INT32
    assert types["layer1.0.relu.quantised.zero_point"] == TensorProto.UINT8


def test_a_bias_has_the_scale_of_activation_times_weight(exported: Exported) -> None:
    model = model_of(exported, X86)
    constants = {constant.name: numpy_helper.to_array(constant) for constant in model.graph.initializer}
    for name, data in (("layer2.0.conv2", "layer2.0.conv1.relu"), ("cam", "layer4.2.relu")):
        expected = constants[f"{data}.quantised.scale"] * constants[f"{name}.weight.quantised.scale"]
        np.testing.assert_array_equal(constants[f"{name}.bias.quantised.scale"], expected)


def test_a_convolution_whose_bias_the_exporter_left_out(fp32: onnx.ModelProto, table: Calibration) -> None:
    bare = onnx.ModelProto()
    bare.CopyFrom(fp32)
    (node,) = (node for node in bare.graph.node if node.name == "layer2.0.conv2")
    del node.input[2]
    for model in (to_int8_x86(bare, table.ranges("mse", "u8")), to_int8_trt(bare, table.ranges("mse", "s8"))):
        (written,) = (node for node in model.graph.node if node.name == "layer2.0.conv2")
        assert len(written.input) == 2
        onnxruntime.InferenceSession(model.SerializeToString()).run(["logits"], {"frames": FRAMES[:1]})


def test_pooling_keeps_the_scale_of_what_it_pools(exported: Exported) -> None:
    constants = {item.name: numpy_helper.to_array(item) for item in model_of(exported, X86).graph.initializer}
    assert constants["maxpool.quantised.scale"] == constants["conv1.relu.quantised.scale"]


def test_trt_has_a_pair_on_every_convolution_input_and_every_shortcut_and_no_other(exported: Exported) -> None:
    model = model_of(exported, TRT)
    nodes = {node.output[0]: node for node in model.graph.node}
    kinds = Counter(node.op_type for node in model.graph.node)
    # 50 different values are read by 54 convolutions, and four downsample branches are shortcuts.
    assert (kinds["QuantizeLinear"], kinds["DequantizeLinear"]) == (54, 54 + 54)
    for node in model.graph.node:
        if node.op_type == "Conv":
            data, weight, bias = node.input
            assert nodes[data].op_type == nodes[weight].op_type == "DequantizeLinear"
            assert bias not in nodes
        if node.op_type == "Add":
            branch, shortcut = sorted(node.input, key=lambda name: not name.endswith(".conv3"))
            assert nodes[branch].op_type == "Conv"
            assert nodes[shortcut].op_type == "DequantizeLinear"
    types = {constant.name: constant.data_type for constant in model.graph.initializer}
    assert types["layer1.0.conv1.bias"] == TensorProto.FLOAT
    assert types["layer1.0.relu.quantised.zero_point"] == TensorProto.INT8
    points = [numpy_helper.to_array(item) for item in model.graph.initializer if item.name.endswith(".zero_point")]
    assert not any(point.any() for point in points)


def test_both_files_keep_interface_labels_and_are_the_same_every_time(
    exported: Exported, fp32: onnx.ModelProto, table: Calibration
) -> None:
    for variant in (X86, TRT):
        model = model_of(exported, variant)
        assert (model.graph.input, model.graph.output) == (fp32.graph.input, fp32.graph.output)
        assert model.metadata_props == fp32.metadata_props
        assert (model.opset_import, model.ir_version) == (fp32.opset_import, fp32.ir_version)
    again = to_int8_x86(fp32, table.ranges("mse", "u8"), largest_weight(lambda line: None))
    assert again.SerializeToString(deterministic=True) == exported.bundle.model_bytes(X86)
    assert to_int8_trt(fp32, table.ranges("mse", "s8")).SerializeToString(
        deterministic=True
    ) == exported.bundle.model_bytes(TRT)


def test_the_trt_file_holds_int8_s_gates_on_onnxruntime(exported: Exported) -> None:
    answers = [
        onnxruntime.InferenceSession(exported.bundle.model_bytes(variant)).run(["logits"], {"frames": FRAMES})[0]
        for variant in ("fp32", TRT)
    ]
    assert judge("int8", *answers).failures == ()


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_engines_really_run_int8(name: str, exported: Exported) -> None:
    with open_backend(name, exported.bundle, "int8", "cpu") as backend:
        told = backend.describe()
        reference = exported.bundle.golden()
        assert judge("int8", reference.logits, backend.infer(reference.frames).logits).failures == ()
    assert told.runs == "int8"
    assert told.executed is not None
    # The last one, the map's, gives floats: ONNX Runtime has no kernel from bytes to floats for it.
    assert told.executed.convolutions.get("int8", 0) >= 53
    assert sum(told.executed.convolutions.values()) == 54
    if name == "openvino":
        assert told.executed.fused_adds == 16


def test_engines_without_int8_say_what_they_run(exported: Exported) -> None:
    assert "int8" not in precisions("opencv", exported.bundle)
    with pytest.raises(BackendError, match="opencv: no int8 here, it runs fp32, fp16"):
        open_backend("opencv", exported.bundle, "int8")


def test_a_bundle_without_int8_says_so(exported: Exported, tmp_path: Path) -> None:
    (tmp_path / MODEL_FILES["fp32"]).hardlink_to(exported.bundle.folder / MODEL_FILES["fp32"])
    bundle = write_manifest(tmp_path, SPEC, {})
    assert "int8" not in precisions("openvino", bundle)
    with pytest.raises(BundleError, match=r"no int8\.x86 model in this bundle, it has fp32"):
        open_backend("openvino", bundle, "int8")


def test_a_processor_without_vnni_gets_reduced_range_and_is_told(
    fp32: onnx.ModelProto, table: Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(calibrating, "saturates_int8", lambda: True)
    largest = largest_weight(told.append)
    assert (largest, "no VNNI" in told[0]) == (REDUCED_RANGE, True)
    model = to_int8_x86(fp32, table.ranges("mse", "u8"), largest)
    weights = [numpy_helper.to_array(item) for item in model.graph.initializer if "weight.quantised" in item.name]
    assert max(int(np.abs(array.astype(int)).max()) for array in weights if array.dtype == np.int8) == REDUCED_RANGE
    logits = [
        onnxruntime.InferenceSession(each.SerializeToString()).run(["logits"], {"frames": FRAMES})[0]
        for each in (fp32, model)
    ]
    assert judge("int8", *logits).failures == ()
