"""The inference engines: which load, and what they find to run on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge_resnet.errors import UserError
from runtime.backends.base import first_line
from runtime.backends.registry import NAMES, installed, version
from runtime.checkup.item import Item

_PART = "engines"
_GPUS = Path("/proc/driver/nvidia/gpus")
# Where only these are, a stream runs, but at a fraction of the rate.
_SLOW = {"torch", "opencv"}
_ON_GPU = {"tensorrt", "tensorrt_rtx"}


def engines(gpus: Path = _GPUS) -> Iterator[Item]:
    """Each engine, and the processors that it runs on. Opens no model."""
    there = installed()
    loaded = set()
    for name in NAMES:
        try:
            found = version(name)
        except UserError as error:
            what, _, advice = str(error).partition("; ")
            if name in there:
                yield Item(_PART, name, "problem", what, "install it anew, or pip uninstall it")
            else:
                yield Item(_PART, name, "absent", f"not installed; {advice}")
            continue
        loaded.add(name)
        yield Item(_PART, name, "ok", ", ".join([found.partition("-")[0], *_runs_on(name)]))
    if loaded <= _SLOW:
        yield Item(_PART, "speed", "warning", "no fast engine", "pip install 'edge-resnet[cpu]'")
    yield from _gpus(gpus, loaded)


def _runs_on(name: str) -> list[str]:
    """What an engine finds here to run on."""
    try:
        if name == "onnxruntime":
            import onnxruntime

            return [text.removesuffix("ExecutionProvider") for text in onnxruntime.get_available_providers()]
        if name == "openvino":
            from runtime.backends.openvino_ import shared_core

            return list(shared_core().available_devices)
    except Exception as error:  # a driver that is broken fails in as many ways as there are
        return [f"cannot tell on what it runs ({first_line(error)})"]
    return []


def _gpus(folder: Path, loaded: set[str]) -> Iterator[Item]:
    """NVIDIA's GPUs, and whether an engine would use them."""
    for file in sorted(folder.glob("*/information")):
        lines = (line.partition(":") for line in file.read_text(errors="replace").splitlines())
        model = next((value.strip() for key, _, value in lines if key.strip() == "Model"), file.parent.name)
        if loaded & _ON_GPU or "CUDA" in _runs_on("onnxruntime"):
            yield Item(_PART, "GPU", "ok", model)
        else:
            advice = "pip install 'edge-resnet[tensorrt]' or 'edge-resnet[gpu]'"
            yield Item(_PART, "GPU", "warning", f"{model}, but no engine that uses it", advice)
