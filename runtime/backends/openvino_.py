"""OpenVINO: Intel's engine, also fast on other x86 processors and on ARM."""

from __future__ import annotations

from collections import Counter

import openvino

from edge_resnet.errors import BackendError
from edge_resnet.manifest import ModelSpec
from runtime.backends.base import INPUT, OUTPUTS, Backend, Description, Floats, Frames

_PRECISION_OF_TYPE = {"f32": "fp32", "f16": "fp16", "bf16": "bf16"}


class OpenVino(Backend):
    """A compiled model and its one request."""

    def __init__(self, spec: ModelSpec, model: bytes, precision: str, device: str) -> None:
        super().__init__(spec)
        core = openvino.Core()
        self._precision = precision
        self._device = _device(core, device)
        self._capable = "FP16" in core.get_property(self._device, "OPTIMIZATION_CAPABILITIES")
        # By itself it runs bf16 where the processor has it, and a hint of f16 becomes bf16 there too.
        half = precision == "fp16" and self._capable
        hints = {"EXECUTION_MODE_HINT": "ACCURACY", "INFERENCE_PRECISION_HINT": "f16" if half else "f32"}
        self._compiled = core.compile_model(core.read_model(model=model), self._device, hints)
        self._request = self._compiled.create_infer_request()
        self._runs = precision_of_convolutions(self._compiled)

    def describe(self) -> Description:
        emulated = self._precision == "fp16" and not self._capable and self._runs == "fp32"
        note = "this device has no fp16 arithmetic: fp16 weights are cast up to fp32" if emulated else ""
        version = openvino.get_version().split("-")[0]
        return Description("openvino", version, self._device, self._precision, self._runs, emulated, note)

    def _run(self, frames: Frames) -> tuple[Floats, Floats]:
        # Copies, where share_outputs=True would give views of the request's memory.
        results = self._request.infer({INPUT: frames}, share_outputs=False)
        logits, cam = (results[name] for name in OUTPUTS)
        return logits, cam


def _device(core: openvino.Core, device: str) -> str:
    wanted = "CPU" if device == "auto" else device.upper()
    if wanted not in core.available_devices:
        raise BackendError(f"openvino: no device {device} here, there are {', '.join(core.available_devices).lower()}")
    return wanted


def precision_of_convolutions(compiled: openvino.CompiledModel) -> str:
    """The precision most convolutions run in, as the plugin's execution graph tells."""
    details = [node.get_rt_info() for node in compiled.get_runtime_model().get_ops()]
    types = Counter(_text(info, "runtimePrecision") for info in details if _text(info, "layerType") == "Convolution")
    if not types:
        return "unknown"
    (common, _count), *_others = types.most_common()
    return _PRECISION_OF_TYPE.get(common, common)


def _text(info: openvino.RTMap, key: str) -> str:
    return str(info[key].astype(str)) if key in info else ""
