"""What both INT8 writers share: eight-bit weights by channel, and Q/DQ (QuantizeLinear, DequantizeLinear) pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from export.int8.thresholds import Range

Floats = npt.NDArray[np.float32]

FULL_RANGE, REDUCED_RANGE = 127, 63
# A channel whose weights are all zero (a dead one) still needs a scale.
_SMALLEST_SCALE = 1e-12


@dataclass(frozen=True)
class Weights:
    """Weights of a convolution as int8: `values` = round(w / scale), `scale` one an output channel."""

    values: npt.NDArray[np.int8]
    scale: Floats


def quantise_weights(weights: Floats, largest: int) -> Weights:
    """Symmetric, by output channel (axis 0), to -largest..largest: 127, or 63 in reduced range.

    Reduced range is for x86 processors without VNNI: their product of u8 and s8 adds two of them in 16 bits and
    saturates with full range.
    """
    axes = tuple(range(1, weights.ndim))
    scale = np.maximum(np.abs(weights).max(axis=axes) / largest, _SMALLEST_SCALE).astype(np.float32)
    shape = (-1,) + (1,) * (weights.ndim - 1)
    values = np.clip(np.rint(weights / scale.reshape(shape)), -largest, largest).astype(np.int8)
    return Weights(values, scale)


@dataclass(frozen=True)
class Scale:
    """How a value becomes eight bits: q = round(x / scale) + zero_point."""

    scale: float
    zero_point: int
    dtype: type[np.uint8] | type[np.int8]

    @classmethod
    def unsigned(cls, kept: Range) -> Scale:
        """u8: `kept` onto 0..255, with zero on a level of its own."""
        scale = (kept.high - kept.low) / 255
        return cls(scale, round(-kept.low / scale), np.uint8)

    @classmethod
    def symmetric(cls, kept: Range) -> Scale:
        """s8: `kept` onto -127..127."""
        return cls(kept.high / 127, 0, np.int8)


class QdqWriter:
    """Copies a model's nodes one by one, with quantised values and weights where it is told so."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._template = model
        self._constants = {constant.name: numpy_helper.to_array(constant) for constant in model.graph.initializer}
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._kept_floats: set[str] = set()

    def is_constant(self, name: str) -> bool:
        """Whether a name is a constant of the fp32 model."""
        return name in self._constants

    def floats(self, name: str) -> Floats:
        """A constant of the fp32 model."""
        return np.asarray(self._constants[name], np.float32)

    def copy(self, node: onnx.NodeProto, inputs: Mapping[str, str]) -> None:
        """Add a node as it is, but for the inputs named in `inputs`; its other constants stay float."""
        copied = onnx.NodeProto()
        copied.CopyFrom(node)
        for position, name in enumerate(node.input):
            copied.input[position] = inputs.get(name, name)
            if name in self._constants and name not in inputs and name not in self._kept_floats:
                self._kept_floats.add(name)
                self._initializers.append(numpy_helper.from_array(self._constants[name], name))
        self._nodes.append(copied)

    def pair(self, value: str, scale: Scale) -> str:
        """Quantise a value and dequantise it again; the name of what comes out."""
        quantised, dequantised = f"{value}.quantised", f"{value}.dequantised"
        scales = [
            self._constant(f"{quantised}.scale", np.float32(scale.scale)),
            self._constant(f"{quantised}.zero_point", scale.dtype(scale.zero_point)),
        ]
        self._node("QuantizeLinear", [value, *scales], quantised)
        self._node("DequantizeLinear", [quantised, *scales], dequantised)
        return dequantised

    def dequantised(self, name: str, values: npt.NDArray[np.generic], scale: Floats) -> str:
        """Store integers with one scale a channel (axis 0), zero point 0; the name of their float values."""
        inputs = [
            self._constant(f"{name}.quantised", values),
            self._constant(f"{name}.quantised.scale", scale),
            self._constant(f"{name}.quantised.zero_point", np.zeros(len(scale), values.dtype)),
        ]
        self._node("DequantizeLinear", inputs, f"{name}.dequantised", axis=0)
        return f"{name}.dequantised"

    def model(self) -> onnx.ModelProto:
        """The finished model, checked, with everything but nodes and constants as in the fp32 one."""
        graph = self._template.graph
        model = onnx.ModelProto()
        model.CopyFrom(self._template)
        model.graph.CopyFrom(
            onnx.helper.make_graph(self._nodes, graph.name, graph.input, graph.output, self._initializers)
        )
        onnx.checker.check_model(model, full_check=True)
        return model

    def _constant(self, name: str, values: npt.NDArray[np.generic] | np.generic) -> str:
        self._initializers.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self._nodes.append(onnx.helper.make_node(kind, inputs, [output], name=output, **attributes))
