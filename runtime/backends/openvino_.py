"""OpenVINO: Intel's engine, also fast on other x86 processors and on ARM."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import openvino

from edge_resnet.errors import BackendError
from runtime.backends.base import (
    INPUT,
    OUTPUTS,
    Backend,
    Description,
    Executed,
    Floats,
    Frames,
    Log,
    Opening,
    check_interface,
)

_PRECISION_OF_TYPE = {"f32": "fp32", "f16": "fp16", "bf16": "bf16", "u8": "int8", "i8": "int8"}
_CAPABILITY = {"fp16": "FP16", "bf16": "BF16"}
_TYPE = {"fp16": "f16", "bf16": "bf16"}
_REFORMATS = frozenset({"Reorder", "Convert", "Transpose", "FakeQuantize"})
CACHE = "openvino"


@cache
def shared_core() -> openvino.Core:
    """The one Core of this process, never dropped.

    Each Core gives its thread a stack for signals, and when it goes it puts back the one that it found. Two that go in
    the order in which they came leave a stack that is gone, and the next Ctrl-C is a segmentation fault (OpenVINO
    2026.4; docs/decisions/0012-one-openvino-core.md).
    """
    return openvino.Core()


class OpenVino(Backend):
    """A compiled model, and one request for latency, or for throughput as many as OpenVINO thinks best.

    What was compiled is kept in the box under a key of OpenVINO's own (model, device, version, options).
    """

    def __init__(self, opening: Opening) -> None:
        core = shared_core()
        self._precision = opening.precision
        self._device = _device(core, opening.device)
        capabilities = core.get_property(self._device, "OPTIMIZATION_CAPABILITIES")
        self._capable = _CAPABILITY.get(self._precision, "FP32") in capabilities
        if self._precision == "bf16" and not self._capable:
            raise BackendError(f"openvino: {self._device} has no bf16 arithmetic")
        model = core.read_model(model=opening.model)
        names = ([port.any_name for port in ports] for ports in (model.inputs, model.outputs))
        check_interface("openvino", *names)
        self._compiled = core.compile_model(model, self._device, self._options(opening))
        several = opening.hint == "throughput"
        requests = int(self._compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")) if several else 1
        super().__init__(opening.bundle.model, requests)
        self._executed = executed(self._compiled)
        self._idle: SimpleQueue[openvino.InferRequest] = SimpleQueue()
        for _ in range(requests):
            self._idle.put(self._compiled.create_infer_request())

    def describe(self) -> Description:
        runs = self._executed.runs
        emulated = self._precision == "fp16" and not self._capable and runs == "fp32"
        note = "this device has no fp16 arithmetic: fp16 weights are cast up to fp32" if emulated else ""
        version = openvino.get_version().split("-")[0]
        return Description("openvino", version, self._device, self._precision, runs, emulated, note, self._executed)

    def _options(self, opening: Opening) -> dict[str, Any]:
        # By itself it runs bf16 where the processor has it, and a hint of f16 becomes bf16 there too.
        kind = _TYPE.get(self._precision, "f32") if self._capable else "f32"
        options: dict[str, Any] = {
            "EXECUTION_MODE_HINT": "ACCURACY",
            "INFERENCE_PRECISION_HINT": kind,
            "PERFORMANCE_HINT": opening.hint.upper(),
        }
        if opening.threads:
            options["INFERENCE_NUM_THREADS"] = opening.threads
        if opening.box is not None:
            options.update(_cache(opening.box / CACHE, opening.log))
        return options

    def _run(self, frames: Frames) -> tuple[Floats, Floats]:
        request = self._idle.get()
        try:
            # Copied. Where several requests share a network, one that reads frames where they lie makes the others
            # write there when they are gone (docs/decisions/0031-batches.md).
            request.infer({INPUT: frames}, share_inputs=False)
            # And what it found, for its next answer will lie in the same place.
            logits, cam = (request.get_tensor(name).data.copy() for name in OUTPUTS)
        finally:
            self._idle.put(request)
        return logits, cam


def _cache(folder: Path, log: Log) -> dict[str, str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        log(f"{folder}: cannot be written ({error.strerror}), so every start compiles again")
        return {}
    return {"CACHE_DIR": str(folder)}


def _device(core: openvino.Core, device: str) -> str:
    wanted = "CPU" if device == "auto" else device.upper()
    if wanted not in core.available_devices:
        raise BackendError(f"openvino: no device {device} here, there are {', '.join(core.available_devices).lower()}")
    return wanted


def executed(compiled: openvino.CompiledModel) -> Executed:
    """What the plugin made of the model, as its execution graph tells."""
    layers = [node.get_rt_info() for node in compiled.get_runtime_model().get_ops()]
    convolutions = [layer for layer in layers if _text(layer, "layerType") == "Convolution"]
    types = Counter(_text(layer, "runtimePrecision") for layer in convolutions)
    return Executed(
        {_PRECISION_OF_TYPE.get(name, name): count for name, count in types.items()},
        fused_adds=sum(".add" in _text(layer, "originalLayersNames") for layer in convolutions),
        reformats=sum(_text(layer, "layerType") in _REFORMATS for layer in layers),
    )


def _text(info: openvino.RTMap, key: str) -> str:
    return str(info[key].astype(str)) if key in info else ""
