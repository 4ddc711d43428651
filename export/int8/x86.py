"""INT8 as ONNX Runtime and OpenVINO want it on processors: u8 activations, s8 weights by channel, int32 biases."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx

from export.int8.quantise import FULL_RANGE, QdqWriter, Scale, quantise_weights
from export.int8.thresholds import Range

_INT32 = np.iinfo(np.int32)


def to_int8_x86(
    model: onnx.ModelProto, ranges: Mapping[str, Range], largest_weight: int = FULL_RANGE
) -> onnx.ModelProto:
    """The INT8 model of an fp32 one (see export.graph), with Q/DQ pairs after every value that is read in eight bits.

    `ranges`: of each value, for the scheme u8. `largest_weight`: 127, or 63 on processors without VNNI. Both inputs of
    an Add are quantised, so that it is an integer operation too. A convolution's bias is int32 with the scale
    activation x weight, as integer accumulators hold it. The last convolution's output, the map, stays float32.
    """
    return _X86Writer(model, ranges, largest_weight).write(model)


class _X86Writer:
    def __init__(self, model: onnx.ModelProto, ranges: Mapping[str, Range], largest_weight: int) -> None:
        self._writer = QdqWriter(model)
        self._scales = {name: Scale.unsigned(kept) for name, kept in ranges.items()}
        self._largest_weight = largest_weight
        self._dequantised: dict[str, str] = {}

    def write(self, model: onnx.ModelProto) -> onnx.ModelProto:
        for node in model.graph.node:
            if node.op_type == "MaxPool":
                # The largest of quantised values is one of them: the same scale makes this a pooling of bytes.
                self._scales[node.output[0]] = self._scales[node.input[0]]
            if node.op_type == "Conv":
                self._convolution(node)
            else:
                self._writer.copy(node, self._dequantised)
            (output,) = node.output
            if output in self._scales:
                self._dequantised[output] = self._writer.pair(output, self._scales[output])
        return self._writer.model()

    def _convolution(self, node: onnx.NodeProto) -> None:
        data, weight, *bias = node.input  # a bias of zeros is left out by the exporter
        weights = quantise_weights(self._writer.floats(weight), self._largest_weight)
        inputs = {
            data: self._dequantised[data],
            weight: self._writer.dequantised(weight, weights.values, weights.scale),
        }
        scale = (np.float32(self._scales[data].scale) * weights.scale).astype(np.float32)
        for name in bias:
            accumulated = np.rint(self._writer.floats(name).astype(np.float64) / scale)
            values = np.clip(accumulated, _INT32.min, _INT32.max).astype(np.int32)
            inputs[name] = self._writer.dequantised(name, values, scale)
        self._writer.copy(node, inputs)
