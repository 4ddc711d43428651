"""How many multiplications a network takes for a frame, and how many a second a matrix product does on this box.

The product is a large one of two square matrices, by the engines' own libraries: fp32 the faster of ONNX Runtime's and
OpenVINO's, bf16 OpenVINO's, int8 ONNX Runtime's. The rate is for orientation and no bound: a convolution may exceed it,
by an algorithm with fewer multiplications or a library that gets more out of the processor.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import openvino
from onnx import TensorProto

from edge_resnet.hardware import cpu_has_bf16
from runtime.backends.openvino_ import shared_core

Product = Callable[[], object]

SIDE = 4096
# Of one product, in thousands of millions.
GMAC = SIDE**3 / 1e9
_OPENVINO_TYPES = {"fp32": "f32", "bf16": "bf16"}


def gmac_a_frame(model: bytes) -> float:
    """The multiplications of a frame in an ONNX model, in thousands of millions: convolutions and matrix products.

    Quantised ones count as what they stand for: their weights keep their shape.
    """
    graph = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(model)).graph
    shapes = {each.name: _sides(each) for each in (*graph.value_info, *graph.input, *graph.output)}
    shapes |= {each.name: list(each.dims) for each in graph.initializer}
    total = 0
    for node in graph.node:
        if node.op_type == "Conv":
            # Each output value is a sum over one filter.
            total += prod(shapes[node.output[0]][1:]) * prod(shapes[node.input[1]][1:])
        elif node.op_type in ("MatMul", "Gemm"):
            total += prod(shapes[node.output[0]][1:]) * shapes[node.input[0]][-1]
    return total / 1e9


def kinds() -> list[str]:
    """The precisions that there are products in on this box."""
    return ["fp32", *(["bf16"] if cpu_has_bf16() else []), "int8"]


def products(kind: str, threads: int = 0) -> list[Product]:
    """A product of 4,096 x 4,096 matrices in a precision, on each engine that has it.

    `threads`: of the processor, 0 for the engine's own choice.
    """
    if kind == "int8":
        return [_on_onnxruntime("MatMulInteger", np.uint8, np.int8, threads)]
    if kind == "bf16":
        return [_on_openvino("bf16", threads)]
    return [_on_onnxruntime("MatMul", np.float32, np.float32, threads), _on_openvino("fp32", threads)]


def _matrix(kind: type[np.generic], seed: int) -> npt.NDArray[Any]:
    return np.random.default_rng(seed).integers(0, 127, (SIDE, SIDE), np.int8).astype(kind)


def _on_onnxruntime(operator: str, kind: type[np.generic], weights: type[np.generic], threads: int) -> Product:
    frames = _matrix(kind, 1)
    result = TensorProto.FLOAT if kind is np.float32 else TensorProto.INT32
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(operator, ["a", "b"], ["y"])],
        "product",
        [onnx.helper.make_tensor_value_info("a", onnx.helper.np_dtype_to_tensor_dtype(frames.dtype), [SIDE, SIDE])],
        [onnx.helper.make_tensor_value_info("y", result, [SIDE, SIDE])],
        [onnx.numpy_helper.from_array(_matrix(weights, 0), "b")],
    )
    model = onnx.helper.make_model(graph, ir_version=8, opset_imports=[onnx.helper.make_opsetid("", 17)])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"a": frames})


def _on_openvino(precision: str, threads: int) -> Product:
    left = openvino.opset15.parameter([SIDE, SIDE], np.float32)
    right = openvino.opset15.constant(_matrix(np.float32, 0))
    model = openvino.Model([openvino.opset15.matmul(left, right, False, False)], [left], "product")
    options = {"INFERENCE_PRECISION_HINT": _OPENVINO_TYPES[precision], "PERFORMANCE_HINT": "LATENCY"}
    if threads:
        options["INFERENCE_NUM_THREADS"] = str(threads)
    request = shared_core().compile_model(model, "CPU", options).create_infer_request()
    frames = _matrix(np.float32, 1)
    return lambda: request.infer([frames], share_inputs=True, share_outputs=True)


def _sides(value: onnx.ValueInfoProto) -> list[int]:
    """Of a tensor; 0 for the batch, which is left open."""
    return [each.dim_value for each in value.type.tensor_type.shape.dim]
