"""The exported ONNX files themselves: their form, their types, and that they are the same every time."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, numpy_helper

from edge_resnet.manifest import METADATA_KEY, ModelSpec
from export import graph
from export.fp16 import MAX_PEAK, convolutions_in_fp32, to_fp16
from tests.parity.conftest import FRAMES, SPEC, Exported, seeded_network


@pytest.fixture(scope="module")
def fp32(exported: Exported) -> onnx.ModelProto:
    return onnx.load_from_string(exported.bundle.model_bytes("fp32"))


@pytest.fixture(scope="module")
def fp16(exported: Exported) -> onnx.ModelProto:
    return onnx.load_from_string(exported.bundle.model_bytes("fp16"))


def _shape(value: onnx.ValueInfoProto) -> list[str | int]:
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_the_interface(precision: str, exported: Exported) -> None:
    model = onnx.load_from_string(exported.bundle.model_bytes(precision))
    onnx.checker.check_model(model, full_check=True)
    (frames,) = model.graph.input
    logits, cam = model.graph.output
    assert (frames.name, frames.type.tensor_type.elem_type, _shape(frames)) == (
        "frames",
        TensorProto.UINT8,
        ["N", 64, 96, 3],
    )
    assert (logits.name, logits.type.tensor_type.elem_type, _shape(logits)) == ("logits", TensorProto.FLOAT, ["N", 3])
    assert (cam.name, cam.type.tensor_type.elem_type, _shape(cam)) == ("cam", TensorProto.FLOAT, ["N", 3, 2, 3])
    assert not any(constant.external_data for constant in model.graph.initializer)


def test_batch_normalisation_and_colour_order_cost_no_node(fp32: onnx.ModelProto) -> None:
    kinds = Counter(node.op_type for node in fp32.graph.node)
    assert kinds == {
        **{"Conv": 54, "Relu": 49, "Add": 16},
        **dict.fromkeys(["Cast", "Transpose", "Sub", "Mul", "MaxPool", "ReduceMean"], 1),
    }
    # TensorRT cannot transpose uint8.
    assert [node.op_type for node in fp32.graph.node][:2] == ["Cast", "Transpose"]


def test_the_opset_is_read_by_tensorrt_8_6(fp32: onnx.ModelProto) -> None:
    (opset,) = fp32.opset_import
    assert (opset.domain, opset.version) == ("", 17)
    mean = fp32.graph.node[-1]
    # Axes as an input are of opset 18: an older reader would take the mean over everything.
    assert list(mean.input) == ["cam"]
    assert onnx.helper.get_node_attr_value(mean, "axes") == [2, 3]


def test_labels_and_preprocessing_travel_in_the_file(fp32: onnx.ModelProto, fp16: onnx.ModelProto) -> None:
    for model in (fp32, fp16):
        properties = {item.key: item.value for item in model.metadata_props}
        assert ModelSpec.model_validate_json(properties[METADATA_KEY]) == SPEC


def test_nodes_are_named_after_the_modules_and_nothing_tells_of_the_machine(fp32: onnx.ModelProto) -> None:
    names = [node.name for node in fp32.graph.node]
    assert len(set(names)) == len(names)
    assert {"conv1", "layer1.0.downsample", "layer3.5.conv2.relu", "layer4.2.add", "cam", "logits"} <= set(names)
    assert not any(node.metadata_props or node.doc_string for node in fp32.graph.node)


def test_the_same_weights_give_the_same_bytes_and_stay_as_they_were(exported: Exported) -> None:
    model = seeded_network()
    again = graph.serialise(graph.export_onnx(model, SPEC))
    assert again == exported.bundle.model_bytes("fp32")
    untouched = seeded_network().state_dict()
    for name, tensor in model.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), untouched[name].numpy())


def test_fp16_weights_are_half_and_normalisation_and_mean_are_not(fp16: onnx.ModelProto) -> None:
    types = {constant.name: constant.data_type for constant in fp16.graph.initializer}
    single = {name for name, kind in types.items() if kind != TensorProto.FLOAT16}
    assert single == {"centred.mean", "pixels.scale"}
    assert convolutions_in_fp32(fp16) == []
    assert [node.name for node in fp16.graph.node if node.op_type == "Cast"] == [
        "float",
        "pixels.fp16.cast",
        "cam.cast",
    ]


def test_peaks_are_those_of_the_graphs_own_values(exported: Exported, fp32: onnx.ModelProto) -> None:
    peaks = graph.peaks(exported.model, FRAMES)
    names = {node.name for node in fp32.graph.node}
    assert set(peaks) <= names
    assert {node.name for node in fp32.graph.node if node.op_type in ("Conv", "Add")} == set(peaks)
    with_peak = onnx.ModelProto()
    with_peak.CopyFrom(fp32)
    shown = ["conv1", "layer2.0.downsample", "layer3.1.conv2"]
    with_peak.graph.output.extend(onnx.helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in shown)
    session = onnxruntime.InferenceSession(with_peak.SerializeToString())
    for name, values in zip(shown, session.run(shown, {"frames": FRAMES}), strict=True):
        assert peaks[name] == pytest.approx(float(np.abs(values).max()), rel=1e-3)


def test_what_overflows_fp16_stays_fp32_and_gives_the_same_answer(exported: Exported, fp32: onnx.ModelProto) -> None:
    peaks = {**graph.peaks(exported.model, FRAMES), "layer2.1.conv1": 2 * MAX_PEAK, "layer3.0.add": 2 * MAX_PEAK}
    mixed = to_fp16(fp32, peaks)
    # What makes a large value, and every convolution that reads it, also through the ReLU.
    assert convolutions_in_fp32(mixed) == ["layer2.1.conv1", "layer2.1.conv2", "layer3.1.conv1"]
    wanted = onnxruntime.InferenceSession(fp32.SerializeToString()).run(["logits"], {"frames": FRAMES})[0]
    given = onnxruntime.InferenceSession(mixed.SerializeToString()).run(["logits"], {"frames": FRAMES})[0]
    assert np.abs(given - wanted).max() < 2e-3 * max(1, np.abs(wanted).max())


def test_weights_over_fp16s_range_stay_fp32(fp32: onnx.ModelProto) -> None:
    heavy = onnx.ModelProto()
    heavy.CopyFrom(fp32)
    (bias,) = (constant for constant in heavy.graph.initializer if constant.name == "layer1.1.conv2.bias")
    bias.CopyFrom(numpy_helper.from_array(np.full(64, 70_000, np.float32), bias.name))
    mixed = to_fp16(heavy, {})
    assert "layer1.1.conv2" in convolutions_in_fp32(mixed)
    halves = [numpy_helper.to_array(item) for item in mixed.graph.initializer if item.data_type == TensorProto.FLOAT16]
    assert all(np.isfinite(array).all() for array in halves)
