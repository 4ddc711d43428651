"""INT8 as TensorRT wants it: symmetric s8 activations and weights, float biases, Q/DQ where its fusions expect them."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from export.int8.quantise import FULL_RANGE, QdqWriter, Scale, quantise_weights
from export.int8.thresholds import Range


def to_int8_trt(model: onnx.ModelProto, ranges: Mapping[str, Range]) -> onnx.ModelProto:
    """The INT8 model of an fp32 one (see export.graph) with 54 activation pairs and 54 dequantised weights.

    `ranges`: of each value, for the scheme s8. A pair stands after every value that a convolution reads, and after the
    convolution on a shortcut. None stands between the last convolution of a branch and its Add: so TensorRT computes
    convolution, Add and ReLU as one, and adds the shortcut in eight bits.
    """
    writer = QdqWriter(model)
    read = _read_in_eight_bits(model)
    dequantised: dict[str, str] = {}
    for node in model.graph.node:
        inputs = dict(dequantised)
        if node.op_type == "Conv":
            weights = quantise_weights(writer.floats(node.input[1]), FULL_RANGE)
            inputs[node.input[1]] = writer.dequantised(node.input[1], weights.values, weights.scale)
        writer.copy(node, inputs)
        (output,) = node.output
        if output in read:
            dequantised[output] = writer.pair(output, Scale.symmetric(ranges[output]))
    return writer.model()


def _read_in_eight_bits(model: onnx.ModelProto) -> set[str]:
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    shortcuts = {node.output[0] for node in convolutions if node.output[0].endswith(".downsample")}
    return {node.input[0] for node in convolutions} | shortcuts
