"""What an engine computes in, from tables in the forms that TensorRT 8 to 11 and tensorrt_rtx write."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runtime.backends.base import Executed
from runtime.backends.tensorrt.inspection import executed, from_inspector, from_log


def tensor(**told: Any) -> dict[str, Any]:
    return {"Name": "t", "Dimensions": [1, 64, 8, 8], **told}


def table(*layers: dict[str, Any]) -> str:
    return json.dumps({"Layers": list(layers), "Bindings": ["frames", "logits", "cam"]})


def before_11(name: str, kind: str, words: str, **more: Any) -> dict[str, Any]:
    """A layer as up to TensorRT 10: type and layout in one sentence."""
    side = [tensor(**{"Format/Datatype": words})]
    return {"Name": name, "LayerType": kind, "Inputs": side, "Outputs": side, **more}


def since_11(name: str, kind: str, datatype: str, metadata: str = "") -> dict[str, Any]:
    """A layer as since TensorRT 11: type and layout apart."""
    side = [tensor(Datatype=datatype, Format="(NHWC) Channel major format")]
    return {"Name": name, "LayerType": kind, "Inputs": side, "Outputs": side, "Metadata": metadata}


def test_the_form_before_11() -> None:
    text = table(
        before_11("in", "Reformat", "Row major linear FP32", ParameterType="Reformat", Origin="QDQ"),
        before_11(
            "conv1 + conv1.relu + maxpool",
            "ConvActPool",
            "Row major Int8 format",
            ParameterType="ConvActPool",
            ConvWeights={"Type": "Int8", "Count": 9408},
        ),
        before_11(
            "layer1.0.conv3 + layer1.0.add + layer1.0.relu",
            "CaskConvolution",
            "Thirty-two wide channel vectorized row major Int8 format",
            ParameterType="Convolution",
            Weights={"Type": "Int8", "Count": 36864},
        ),
        before_11("cam", "CaskConvolution", "Row major linear FP16 format", ParameterType="Convolution"),
        before_11("logits", "Reduce", "Row major linear FP32", ParameterType="Reduce"),
    )
    assert executed(from_inspector(text)) == Executed({"int8": 2, "fp16": 1}, fused_adds=1, reformats=1)


def test_a_dynamic_batch_leaves_the_weights_as_witness() -> None:
    unknown = "N/A due to dynamic shapes"
    text = table(before_11("conv1", "CaskConvolution", unknown, Weights={"Type": "Half", "Count": 9408}))
    assert executed(from_inspector(text)) == Executed({"fp16": 1}, 0, 0)


def test_the_form_since_11() -> None:
    metadata = "[ONNX Layer: layer1.0.conv3][ONNX Layer: layer1.0.relu][ONNX Layer: layer1.0.add]"
    text = table(
        since_11("__myl_CastTranAddMul_myl0_1", "kgen", "UInt8", "[ONNX Layer: float]"),
        since_11("__myl_CastTran_myl0_2", "kgen", "Float"),
        since_11("layer1.0.conv3_U11", "correlation", "Half", metadata),
        since_11("__myl_FcAdd_myl0_29", "runtime_fusion", "BFloat16", "[ONNX Layer: a.conv3]__gemm_from_conv1x1"),
        since_11("cam", "CaskConvolution", "Float", "[ONNX Layer: cam]"),
    )
    assert executed(from_inspector(text)) == Executed({"fp16": 1, "bf16": 1, "fp32": 1}, fused_adds=1, reformats=1)


def test_the_lines_of_the_builder_s_log() -> None:
    half = "{ Name: x, Dimensions: [-1,64,16,24], Strides: [1,1,1,1], Datatype: Half, Format: (NHWC) Channel major }"
    floats = half.replace("Half", "Float")
    text = "\n".join(
        (
            "Layers:",
            f"Name: __myl_Cast_myl0_1, LayerType: kgen, Inputs: [ {floats}], Constants: [], Outputs: [], Metadata: ",
            f"Name: conv1_U3, LayerType: correlation, Inputs: [ {half}, {floats}], Constants: [ {floats}], "
            f"Outputs: [ {half}], TacticName: stub, StreamId: 0, Metadata: [ONNX Layer: conv1][ONNX Layer: a.add]",
            "",
            "I/O Tensors:",
            " Name: frames, IOMode: Input, DataType: UInt8",
        )
    )
    assert executed(from_log(text)) == Executed({"fp16": 1}, fused_adds=1, reformats=1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        '{"Layers": null}',
        '{"Layers": ["conv1 + conv1.relu", "cam"]}',  # an engine without detail tells names only
        '{"Layers": [{"Name": "conv1", "LayerType": "CaskConvolution", "Inputs": [7]}]}',
        "[" * 100_000,
    ],
)
def test_what_tells_nothing_counts_as_nothing(text: str) -> None:
    assert executed(from_inspector(text)) is None


def test_a_table_without_types_tells_nothing() -> None:
    assert executed(from_inspector(table(before_11("conv1", "CaskConvolution", "N/A due to dynamic shapes")))) is None
    assert executed(from_log("")) is None
