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
from runtime.backends.base import (
    INPUT,
    OUTPUTS,
    Backend,
    Description,
    Executed,
    Floats,
    Frames,
    Opening,
    check_interface,
)

_CPU = "CPUExecutionProvider"
_CUDA = "CUDAExecutionProvider"
_TENSORRT = "TensorrtExecutionProvider"
_PROVIDER_OF_DEVICE = {"cpu": _CPU, "cuda": _CUDA, "tensorrt": _TENSORRT}
_PRECISION_OF_TYPE = {"float": "fp32", "float16": "fp16", "bfloat16": "bf16", "uint8": "int8", "int8": "int8"}
# Layers that only change type or layout, as the CPU provider names them.
_REFORMATS = frozenset({"ReorderInput", "ReorderOutput", "Cast", "Transpose", "QuantizeLinear", "DequantizeLinear"})
_LOG_ERRORS_ONLY = 3


class OnnxRuntime(Backend):
    """A session on one provider; nodes that the provider lacks run on the processor."""

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening.bundle.model)
        self._precision = opening.precision
        self._provider = _provider(opening.device)
        if self._precision == "int8" and self._provider == _CUDA:
            raise BackendError("onnxruntime: its CUDA provider has no INT8 convolution; try --device tensorrt or cpu")
        with tempfile.TemporaryDirectory(prefix="edge-resnet-") as folder:
            self._session = self._open(opening, Path(folder))
            self._executed = self._profile()

    def describe(self) -> Description:
        runs = self._executed.runs if self._executed.convolutions else self._precision
        emulated = self._provider == _CPU and self._precision == "fp16" and runs == "fp32"
        note = ""
        if emulated:
            note = "this processor's kernels are fp32: fp16 values are cast up"
        elif self._provider == _TENSORRT:
            note = "the TensorRT provider does not tell its precision: this is what it was told"
        version = onnxruntime.__version__
        return Description(
            "onnxruntime", version, self._provider, self._precision, runs, emulated, note, self._executed
        )

    def _open(self, opening: Opening, folder: Path) -> Any:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _LOG_ERRORS_ONLY
        options.intra_op_num_threads = opening.threads
        # Threads that spin while they wait take the processor from the video's decoders, from other engines, and on a
        # busy box from the very thread that they wait for (docs/decisions/0031-batches.md).
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_profiling = True
        options.profile_file_prefix = str(folder / "profile")
        session = onnxruntime.InferenceSession(opening.model, options, providers=self._providers(opening))
        check_interface(
            "onnxruntime", [each.name for each in session.get_inputs()], [each.name for each in session.get_outputs()]
        )
        # A provider whose libraries are missing is passed over without an error.
        if session.get_providers()[0] != self._provider:
            raise BackendError(f"onnxruntime: {self._provider} does not start here; try --device cpu")
        return session

    def _providers(self, opening: Opening) -> list[tuple[str, dict[str, str]]]:
        options: dict[str, dict[str, str]] = {_CPU: {}}
        # TF32 would keep ten bits of mantissa and still be called fp32.
        options[_CUDA] = {"use_tf32": "0"}
        if self._provider == _TENSORRT:
            options[_TENSORRT] = {
                "trt_fp16_enable": str(int(self._precision != "fp32")),
                "trt_int8_enable": str(int(self._precision == "int8")),
                **_cache(opening),
            }
        order = [_TENSORRT, _CUDA, _CPU]
        return [(name, options[name]) for name in order[order.index(self._provider) :]]

    def _profile(self) -> Executed:
        """Run one frame under the profiler, which tells the kernels and types that really compute."""
        self._run(np.zeros((1, *self._frame_shape), np.uint8))
        events = json.loads(Path(self._session.end_profiling()).read_bytes())
        kernels: list[dict[str, Any]] = [event["args"] for event in events if "op_name" in event.get("args", {})]
        convolutions = [kernel for kernel in kernels if "Conv" in kernel["op_name"]]
        types = Counter(_type_of_input(kernel) for kernel in convolutions)
        if not types:
            return Executed({})
        return Executed(
            {_PRECISION_OF_TYPE.get(name, name): count for name, count in types.items()},
            fused_adds=sum(_has_sum(kernel) for kernel in convolutions),
            reformats=sum(kernel["op_name"] in _REFORMATS for kernel in kernels),
        )

    def _run(self, frames: Frames) -> tuple[Floats, Floats]:
        logits, cam = self._session.run(OUTPUTS, {INPUT: frames})
        return logits, cam


def _cache(opening: Opening) -> dict[str, str]:
    """Where the TensorRT provider keeps its engines, which it names after the graph and the GPU itself."""
    if opening.box is None:
        return {}
    folder = opening.box / "onnxruntime-tensorrt" / opening.bundle.model_sha256(opening.variant)[:16]
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(folder),
    }


def _type_of_input(kernel: dict[str, Any]) -> str:
    """`float`, `uint8` ...: the type of a kernel's first input."""
    return str(next(iter(kernel["input_type_shape"][0])))


def _has_sum(kernel: dict[str, Any]) -> bool:
    """Whether a float convolution adds a fourth input, the shortcut, itself (a quantised one has nine and no sum)."""
    return len(kernel["input_type_shape"]) == 4  # data, weight, bias, sum


def _provider(device: str) -> str:
    available = onnxruntime.get_available_providers()
    if device == "auto":
        return _CUDA if _CUDA in available else _CPU
    provider = _PROVIDER_OF_DEVICE.get(device)
    if provider is None or provider not in available:
        there = ", ".join(name for name, provider in _PROVIDER_OF_DEVICE.items() if provider in available)
        raise BackendError(f"onnxruntime: device {device} is not in this build, it has {there}")
    return provider
