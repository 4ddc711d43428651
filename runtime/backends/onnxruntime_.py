"""ONNX Runtime: its CPU, CUDA and TensorRT providers."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from edge_resnet.errors import BackendError
from edge_resnet.manifest import ModelSpec
from runtime.backends.base import INPUT, OUTPUTS, Backend, Description, Floats, Frames

_CPU = "CPUExecutionProvider"
_CUDA = "CUDAExecutionProvider"
_TENSORRT = "TensorrtExecutionProvider"
_PROVIDER_OF_DEVICE = {"cpu": _CPU, "cuda": _CUDA, "tensorrt": _TENSORRT}
_PRECISION_OF_TYPE = {"float": "fp32", "float16": "fp16", "bfloat16": "bf16"}
_LOG_ERRORS_ONLY = 3


class OnnxRuntime(Backend):
    """A session on one provider; nodes that the provider lacks run on the processor."""

    def __init__(self, spec: ModelSpec, model: bytes, precision: str, device: str) -> None:
        super().__init__(spec)
        self._precision = precision
        self._provider = _provider(device)
        with tempfile.TemporaryDirectory(prefix="edge-resnet-") as folder:
            self._session = self._open(model, Path(folder))
            self._runs = self._profile(spec)

    def describe(self) -> Description:
        emulated = self._provider == _CPU and self._precision == "fp16" and self._runs == "fp32"
        note = ""
        if emulated:
            note = "this processor's kernels are fp32: fp16 values are cast up"
        elif self._provider == _TENSORRT:
            note = "the TensorRT provider does not tell its precision: this is what it was told"
        return Description(
            "onnxruntime", onnxruntime.__version__, self._provider, self._precision, self._runs, emulated, note
        )

    def _open(self, model: bytes, folder: Path) -> Any:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _LOG_ERRORS_ONLY
        options.enable_profiling = True
        options.profile_file_prefix = str(folder / "profile")
        session = onnxruntime.InferenceSession(model, options, providers=self._providers())
        # A provider whose libraries are missing is passed over without an error.
        if session.get_providers()[0] != self._provider:
            raise BackendError(f"onnxruntime: {self._provider} does not start here; try --device cpu")
        return session

    def _providers(self) -> list[tuple[str, dict[str, str]]]:
        options = {
            # TF32 would keep ten bits of mantissa and still be called fp32.
            _CUDA: {"use_tf32": "0"},
            _TENSORRT: {"trt_fp16_enable": str(int(self._precision == "fp16"))},
            _CPU: {},
        }
        order = [_TENSORRT, _CUDA, _CPU]
        return [(name, options[name]) for name in order[order.index(self._provider) :]]

    def _profile(self, spec: ModelSpec) -> str:
        """Run one frame under the profiler, which tells the types that the convolutions really compute with."""
        self._run(np.zeros((1, spec.input.height, spec.input.width, 3), np.uint8))
        events = json.loads(Path(self._session.end_profiling()).read_bytes())
        details: list[dict[str, Any]] = [
            event["args"] for event in events if "Conv" in event.get("args", {}).get("op_name", "")
        ]
        types = Counter(str(next(iter(detail["input_type_shape"][0]))) for detail in details)
        if not types:
            return self._precision
        (common, _count), *_others = types.most_common()
        return _PRECISION_OF_TYPE.get(common, common)

    def _run(self, frames: Frames) -> tuple[Floats, Floats]:
        logits, cam = self._session.run(OUTPUTS, {INPUT: frames})
        return logits, cam


def _provider(device: str) -> str:
    available = onnxruntime.get_available_providers()
    if device == "auto":
        return _CUDA if _CUDA in available else _CPU
    provider = _PROVIDER_OF_DEVICE.get(device)
    if provider is None or provider not in available:
        there = ", ".join(name for name, provider in _PROVIDER_OF_DEVICE.items() if provider in available)
        raise BackendError(f"onnxruntime: device {device} is not in this build, it has {there}")
    return provider
