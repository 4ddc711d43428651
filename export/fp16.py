"""From the fp32 ONNX model to fp16, written in the ONNX itself: half-precision weights and values, Casts at borders."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

Array = npt.NDArray[np.generic]

# Half of fp16's largest number: the frames at hand are not the largest that the box will see.
MAX_PEAK = float(np.finfo(np.float16).max) / 2
# The picture's normalisation stays fp32: the mean, about 124 of 255, would be off by up to 0.03 in fp16.
# The mean over the map stays fp32 too: the last sum is the logits themselves.
_ALWAYS_FP32 = frozenset({"Cast", "Transpose", "Sub", "Mul", "ReduceMean"})


def to_fp16(model: onnx.ModelProto, peaks: Mapping[str, float]) -> onnx.ModelProto:
    """The fp16 model of an fp32 one: input uint8 and outputs float32 as they were.

    `peaks` gives, by node name, the largest |value| seen (see export.graph.peaks). A node whose weights or values come
    near fp16's range (over MAX_PEAK) stays fp32, and so do the nodes that read its values.
    """
    constants = {constant.name: numpy_helper.to_array(constant) for constant in model.graph.initializer}
    outputs = {output.name for output in model.graph.output}
    single = _kept_fp32(model.graph, constants, peaks)
    writer = _Writer(constants)
    for node in model.graph.node:
        # An output keeps its name as float32, so what computes it in fp16 makes a value beside it.
        writer.add(node, half=node.name not in single, output=node.output[0] in outputs)
    return writer.model(model)


def convolutions_in_fp32(model: onnx.ModelProto) -> list[str]:
    """The convolutions of an fp16 model that stayed fp32, by name."""
    types = {constant.name: constant.data_type for constant in model.graph.initializer}
    convolutions = (node for node in model.graph.node if node.op_type == "Conv")
    return sorted(node.name for node in convolutions if types[node.input[1]] != onnx.TensorProto.FLOAT16)


def _kept_fp32(graph: onnx.GraphProto, constants: Mapping[str, Array], peaks: Mapping[str, float]) -> frozenset[str]:
    """The nodes that do not fit fp16; values are named as the nodes that make them."""
    kept: set[str] = set()
    large: set[str] = set()
    for node in graph.node:
        weights = [constants[name] for name in node.input if name in constants]
        overflows = peaks.get(node.name, 0.0) > MAX_PEAK or any(np.abs(array).max() > MAX_PEAK for array in weights)
        # A ReLU or a pooling of large values gives large values.
        passes_on = node.op_type in ("Relu", "MaxPool") and large.intersection(node.input)
        if overflows or passes_on:
            large.add(node.output[0])
        if overflows or large.intersection(node.input) or node.op_type in _ALWAYS_FP32:
            kept.add(node.name)
    return frozenset(kept)


class _Writer:
    """Copies nodes one by one, each in its precision, and casts a value where its reader has another."""

    def __init__(self, constants: Mapping[str, Array]) -> None:
        self._constants = constants
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._halves: set[str] = set()
        self._casts: dict[tuple[str, bool], str] = {}

    def add(self, node: onnx.NodeProto, *, half: bool, output: bool) -> None:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        first = node.op_type == "Cast"
        for position, name in enumerate(node.input):
            if name in self._constants:
                array = self._constants[name]
                self._initializers.append(numpy_helper.from_array(array.astype(np.float16) if half else array, name))
            elif not first:
                copy.input[position] = self._value(name, half=half)
        self._nodes.append(copy)
        if half and output:
            copy.output[0] = f"{node.output[0]}.fp16"
            self._cast(copy.output[0], node.output[0], onnx.TensorProto.FLOAT)
        elif half:
            self._halves.add(node.output[0])

    def model(self, template: onnx.ModelProto) -> onnx.ModelProto:
        """The finished model, with everything but nodes and constants as in `template`."""
        graph = onnx.helper.make_graph(
            self._nodes, template.graph.name, template.graph.input, template.graph.output, self._initializers
        )
        model = onnx.ModelProto()
        model.CopyFrom(template)
        model.graph.CopyFrom(graph)
        onnx.checker.check_model(model, full_check=True)
        return model

    def _value(self, name: str, *, half: bool) -> str:
        """The name under which a value is there in the precision asked for."""
        if (name in self._halves) == half:
            return name
        key = (name, half)
        if key not in self._casts:
            self._casts[key] = f"{name}.{'fp16' if half else 'fp32'}"
            target = onnx.TensorProto.FLOAT16 if half else onnx.TensorProto.FLOAT
            self._cast(name, self._casts[key], target)
        return self._casts[key]

    def _cast(self, source: str, target: str, element_type: int) -> None:
        name = f"{target}.cast"
        self._nodes.append(onnx.helper.make_node("Cast", [source], [target], name=name, to=element_type))
