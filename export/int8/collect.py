"""The collector: two passes over the calibration pictures, first each tensor's extent, then its histogram."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnx

from edge_resnet.errors import BackendError
from edge_resnet.preprocess import Frame
from export.int8.histogram import Extent, Histogram

Step = Callable[[int, int], None]
Floats = npt.NDArray[np.float32]

# Of the model's values at a time: small, since all of them are in memory at once (11 million a picture at 224 x 224).
_BATCH = 4
_INPUT = "frames"


class ValueReader(Protocol):
    """Runs a model and gives the values of some of its tensors."""

    def __call__(self, frames: Frame) -> list[Floats]: ...


def quantised_tensors(model: onnx.ModelProto) -> list[str]:
    """The values that INT8 may need a range of: what convolutions read, and what residual additions read."""
    readers = [node for node in model.graph.node if node.op_type in ("Conv", "Add", "MaxPool")]
    constants = {constant.name for constant in model.graph.initializer}
    names = [name for node in readers for name in node.input if name not in constants]
    return list(dict.fromkeys(names))


def engine() -> str:
    """The ONNX engine to collect with. Raises BackendError when none is installed."""
    for name in ("onnxruntime", "openvino"):
        if find_spec(name) is not None:
            return name
    raise BackendError("calibration runs the ONNX model and needs an engine for it; pip install 'edge-resnet[cpu]'")


def collect(model: onnx.ModelProto, frames: Frame, progress: Step, batch: int = _BATCH) -> dict[str, Histogram]:
    """The histogram of each tensor of `quantised_tensors`.

    `model`: fp32. `frames`: N x H x W x 3, uint8, BGR, of the network's input size. Neither their order nor `batch`
    changes the result. Raises BackendError.
    """
    names = quantised_tensors(model)
    extents = _extents(model, names, _batches(frames, batch), lambda done: progress(done, 2 * len(frames)))
    histograms = {name: Histogram.empty(extent) for name, extent in extents.items()}
    read = _reader(_with_outputs(model, names))
    done = len(frames)
    with ThreadPoolExecutor() as pool:  # counting is OpenCV's, which lets other threads run meanwhile
        for part in _batches(frames, batch):
            counted = pool.map(lambda name, values: histograms[name].add(values), names, read(part))
            deque(counted, maxlen=0)  # waits, and raises what was raised
            done += len(part)
            progress(done, 2 * len(frames))
    return histograms


def _extents(
    model: onnx.ModelProto, names: Sequence[str], batches: Iterator[Frame], progress: Callable[[int], None]
) -> dict[str, Extent]:
    """The first pass: the engine itself takes minimum and maximum, so that only two numbers a tensor come back."""
    read = _reader(_with_extremes(model, names))
    extents: dict[str, Extent] = {}
    done = 0
    for part in batches:
        values = [float(value) for value in read(part)]
        for name, low, high in zip(names, values[::2], values[1::2], strict=True):
            seen = Extent(low, high)
            extents[name] = extents[name].joined(seen) if name in extents else seen
        done += len(part)
        progress(done)
    if bad := next((name for name, seen in extents.items() if not np.isfinite([seen.low, seen.high]).all()), None):
        raise BackendError(f"{bad} has values that are no numbers; this network cannot be calibrated")
    return extents


def _with_extremes(model: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """A copy whose outputs are the minimum and the maximum of each tensor."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    outputs = []
    for name in names:
        for kind in ("ReduceMin", "ReduceMax"):
            output = f"{name}.{kind}"
            copy.graph.node.append(onnx.helper.make_node(kind, [name], [output], name=output, keepdims=0))
            outputs.append(output)
    return _with_outputs(copy, outputs)


def _with_outputs(model: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """A copy whose outputs are `names`, in this order."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    return copy


def _batches(frames: Frame, batch: int) -> Iterator[Frame]:
    for start in range(0, len(frames), batch):
        yield frames[start : start + batch]


def _reader(model: onnx.ModelProto) -> ValueReader:
    names = [output.name for output in model.graph.output]
    return {"onnxruntime": _onnxruntime_reader, "openvino": _openvino_reader}[engine()](model, names)


def _onnxruntime_reader(model: onnx.ModelProto, names: list[str]) -> ValueReader:
    import onnxruntime

    session: Any = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda frames: list(session.run(names, {_INPUT: frames}))


def _openvino_reader(model: onnx.ModelProto, names: list[str]) -> ValueReader:
    from runtime.backends.openvino_ import shared_core

    core = shared_core()
    # By itself it would compute in bfloat16 where the processor has it.
    compiled = core.compile_model(
        core.read_model(model=model.SerializeToString()), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )

    def read(frames: Frame) -> list[Floats]:
        results = compiled({_INPUT: frames})
        return [np.asarray(results[name]) for name in names]

    return read
