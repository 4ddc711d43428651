"""Which engines there are, which are installed, and opening one by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from edge_resnet import runs
from edge_resnet.bundle import Bundle
from edge_resnet.errors import BackendError, UserError
from runtime.backends.base import Backend, first_line
from runtime.backends.run import find_run

Opener = Callable[[Bundle, str, str, Path | None], Backend]


@dataclass(frozen=True)
class _Engine:
    """`package`: what must be importable; `install`: what brings it."""

    package: str
    install: str
    open: Opener


def _open_torch(bundle: Bundle, precision: str, device: str, run: Path | None) -> Backend:
    from runtime.backends.torch_ import Torch

    found = find_run(bundle, run)
    if found is None:
        raise BackendError(f"{bundle.folder}: the trained model is not beside this bundle; name its folder with --run")
    return Torch(found / runs.MODEL, bundle.model, precision, device)


def _open_onnxruntime(bundle: Bundle, precision: str, device: str, run: Path | None) -> Backend:
    from runtime.backends.onnxruntime_ import OnnxRuntime

    return OnnxRuntime(bundle.model, bundle.model_bytes(precision), precision, device)


def _open_openvino(bundle: Bundle, precision: str, device: str, run: Path | None) -> Backend:
    from runtime.backends.openvino_ import OpenVino

    return OpenVino(bundle.model, bundle.model_bytes(precision), precision, device)


def _open_opencv(bundle: Bundle, precision: str, device: str, run: Path | None) -> Backend:
    from runtime.backends.opencv_ import OpenCv

    return OpenCv(bundle.model, bundle.model_bytes(precision), precision, device)


_ENGINES = {
    "torch": _Engine("torch", "edge-resnet[train]", _open_torch),
    "onnxruntime": _Engine("onnxruntime", "edge-resnet[cpu] (or edge-resnet[gpu])", _open_onnxruntime),
    "openvino": _Engine("openvino", "edge-resnet[cpu]", _open_openvino),
    "opencv": _Engine("cv2", "edge-resnet", _open_opencv),
}
NAMES = tuple(_ENGINES)


def installed() -> list[str]:
    """The names of the engines whose packages are installed here."""
    return [name for name, engine in _ENGINES.items() if find_spec(engine.package) is not None]


def require(name: str) -> None:
    """Raise UserError when no engine has this name, BackendError when it is not installed."""
    if name not in _ENGINES:
        raise UserError(f"backend {name}: unknown; there are {', '.join(NAMES)}")
    if find_spec(_ENGINES[name].package) is None:
        raise BackendError(f"backend {name} is not installed; pip install '{_ENGINES[name].install}'")


def version(name: str) -> str:
    """The version of an engine, without opening a model. Raises as `require` does, BackendError if it is broken."""
    require(name)
    try:
        return str(import_module(_ENGINES[name].package).__version__)
    except Exception as error:  # a broken installation fails in as many ways as there are
        raise BackendError(f"backend {name} is installed but does not load: {first_line(error)}") from error


def open_backend(
    name: str, bundle: Bundle, precision: str = "fp32", device: str = "auto", run: Path | None = None
) -> Backend:
    """Open a bundle's model of a precision on an engine.

    `device`: `auto`, `cpu`, or what the engine calls another (`cuda`, `tensorrt`, `gpu`). `run`: for `torch`, the
    folder of the trained model; without it the bundle's parent. Raises BackendError when the engine is not installed
    or cannot run the model, BundleError when the model's file changed.
    """
    require(name)
    try:
        return _ENGINES[name].open(bundle, precision, device, run)
    except UserError:
        raise
    except Exception as error:  # engines raise types of their own; an import fails in as many ways
        raise BackendError(f"backend {name}: cannot open the {precision} model: {first_line(error)}") from error
