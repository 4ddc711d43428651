"""The bundle's network for programs that want it in another form: the same layers and weights, other ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edge_resnet.manifest import ModelSpec


def for_ultralytics(model: Path, spec: ModelSpec, made: Path) -> None:
    """Write `made`: it takes N x 3 x height x width, float32, RGB, 0..1, and gives N x C probabilities, which is how
    ultralytics knows a classifier.
    """
    network = onnx.load(str(model))
    graph = network.graph
    (frames,) = graph.input
    shape: list[str | int | None] = ["N", 3, spec.input.height, spec.input.width]
    begin = [
        helper.make_node("Mul", ["images", "white"], ["images.levels"]),
        helper.make_node("Gather", ["images.levels", "bgr"], ["images.bgr"], axis=1),
        # The graph takes frames as OpenCV gives them, and makes float of them itself.
        helper.make_node("Transpose", ["images.bgr"], [frames.name], perm=[0, 2, 3, 1]),
    ]
    nodes = [*begin, *graph.node, helper.make_node("Softmax", ["logits"], ["output0"], axis=1)]
    _replace(graph.node, nodes)
    _replace(graph.input, [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)])
    _replace(graph.output, [helper.make_tensor_value_info("output0", TensorProto.FLOAT, ["N", len(spec.labels)])])
    # What was known of shapes holds no more where the ends were changed.
    _replace(graph.value_info, [])
    graph.initializer.append(numpy_helper.from_array(np.array(255.0, np.float32), "white"))
    graph.initializer.append(numpy_helper.from_array(np.array([2, 1, 0], np.int64), "bgr"))
    said = {
        "task": "classify",
        "names": repr(dict(enumerate(spec.labels))),
        "imgsz": repr([spec.input.height, spec.input.width]),
        "stride": "1",
        "batch": "1",
        "channels": "3",
        "args": repr({"dynamic": True}),
    }
    helper.set_model_props(network, said)
    onnx.checker.check_model(network)
    onnx.save(network, str(made))


def _replace(field: object, values: Sequence[object]) -> None:
    """Give a repeated field of a protobuf these values."""
    kept = list(values)
    del field[:]  # type: ignore[attr-defined]  # protobuf's containers have no type of their own
    field.extend(kept)  # type: ignore[attr-defined]
