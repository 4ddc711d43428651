"""Which engines there are, which are installed, and opening one by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from edge_resnet import runs
from edge_resnet.bundle import Bundle
from edge_resnet.errors import BackendError, UserError
from edge_resnet.hardware import cpu_has_bf16
from runtime.backends.base import Backend, Hint, Log, Opening, first_line
from runtime.backends.run import find_run

Opener = Callable[[Opening], Backend]
_FLOATS = {"fp32": "fp32", "fp16": "fp16"}
_X86 = {**_FLOATS, "int8": "int8.x86"}
_TRT = {**_FLOATS, "int8": "int8.trt"}


@dataclass(frozen=True)
class _Engine:
    """`packages`: what must be importable, the engine itself first; `install`: what brings it.

    `variants`: the model file for each precision; `other_variants`: where a device of the engine wants other files.
    """

    packages: tuple[str, ...]
    install: str
    open: Opener
    variants: Mapping[str, str]
    other_variants: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def _open_torch(opening: Opening) -> Backend:
    from runtime.backends.torch_ import Torch

    found = find_run(opening.bundle, opening.run)
    if found is None:
        folder = opening.bundle.folder
        raise BackendError(f"{folder}: the trained model is not beside this bundle; name its folder with --run")
    return Torch(found / runs.MODEL, opening.bundle.model, opening.precision, opening.device)


def _open_onnxruntime(opening: Opening) -> Backend:
    from runtime.backends.onnxruntime_ import OnnxRuntime

    return OnnxRuntime(opening)


def _open_openvino(opening: Opening) -> Backend:
    from runtime.backends.openvino_ import OpenVino

    return OpenVino(opening)


def _open_opencv(opening: Opening) -> Backend:
    from runtime.backends.opencv_ import OpenCv

    return OpenCv(opening)


def _open_tensorrt(opening: Opening) -> Backend:
    from runtime.backends.tensorrt.runner import TensorRt

    return TensorRt("tensorrt", opening)


def _open_tensorrt_rtx(opening: Opening) -> Backend:
    from runtime.backends.tensorrt.runner import TensorRt

    return TensorRt("tensorrt_rtx", opening)


# For the GPU's memory and streams, without torch.
_CUDA = "cuda.bindings"
_ENGINES = {
    "torch": _Engine(("torch",), "edge-resnet[train]", _open_torch, _FLOATS),
    "onnxruntime": _Engine(
        ("onnxruntime",), "edge-resnet[cpu] (or edge-resnet[gpu])", _open_onnxruntime, _X86, {"tensorrt": _TRT}
    ),
    # bfloat16 is arithmetic that OpenVINO has on the fp32 model.
    "openvino": _Engine(("openvino",), "edge-resnet[cpu]", _open_openvino, {**_X86, "bf16": "fp32"}),
    "opencv": _Engine(("cv2",), "edge-resnet", _open_opencv, _FLOATS),
    "tensorrt": _Engine(("tensorrt", _CUDA), "edge-resnet[tensorrt]", _open_tensorrt, _TRT),
    "tensorrt_rtx": _Engine(("tensorrt_rtx", _CUDA), "edge-resnet[rtx]", _open_tensorrt_rtx, _TRT),
}
NAMES = tuple(_ENGINES)
# Those whose engines are built before they run, also for a GPU that is not here.
BUILT_AHEAD = ("tensorrt", "tensorrt_rtx")


def installed() -> list[str]:
    """The names of the engines whose packages are installed here."""
    return [name for name in _ENGINES if _is_installed(name)]


def _is_installed(name: str) -> bool:
    try:
        return all(find_spec(package) is not None for package in _ENGINES[name].packages)
    except ModuleNotFoundError:  # of a dotted name, when what is before the dot is missing
        return False


def require(name: str) -> None:
    """Raise UserError when no engine has this name, BackendError when it is not installed."""
    if name not in _ENGINES:
        raise UserError(f"backend {name}: unknown; there are {', '.join(NAMES)}")
    if not _is_installed(name):
        raise BackendError(f"backend {name} is not installed; pip install '{_ENGINES[name].install}'")


def version(name: str) -> str:
    """The version of an engine, without opening a model. Raises as `require` does, BackendError if it is broken."""
    require(name)
    try:
        return str(import_module(_ENGINES[name].packages[0]).__version__)
    except Exception as error:  # a broken installation fails in as many ways as there are
        raise BackendError(f"backend {name} is installed but does not load: {first_line(error)}") from error


def variant(name: str, precision: str, device: str = "auto") -> str:
    """The variant of the model that holds `precision` for an engine on a device. Raises BackendError if none does."""
    engine = _ENGINES[name]
    variants = engine.other_variants.get(device, engine.variants)
    if precision not in variants:
        raise BackendError(f"backend {name}: no {precision} here, it runs {', '.join(variants)}")
    return variants[precision]


def precisions(name: str, bundle: Bundle, device: str = "auto") -> tuple[str, ...]:
    """The precisions that an engine can be asked for on this box with this bundle."""
    engine = _ENGINES[name]
    variants = engine.other_variants.get(device, engine.variants)
    there = [precision for precision, variant in variants.items() if variant in bundle.variants]
    return tuple(precision for precision in there if precision != "bf16" or cpu_has_bf16())


def opening(
    name: str,
    bundle: Bundle,
    precision: str,
    device: str = "auto",
    *,
    run: Path | None = None,
    threads: int = 0,
    hint: Hint = "latency",
    box: Path | None = None,
    log: Log = lambda line: None,
) -> Opening:
    """What is to be opened, with the model's variant for this engine. Raises as `require` and `variant` do."""
    require(name)
    return Opening(bundle, precision, variant(name, precision, device), device, run, threads, hint, box, log)


def built_not_run(name: str, bundle: Bundle, precision: str, box: Path) -> bool:
    """Whether an engine of this model, made on this machine, lies sound in the box though there is no GPU to run it.

    Only of TensorRT's: others are not built ahead. False also when it is not installed, or has no such model here.
    """
    if name not in BUILT_AHEAD or precision not in precisions(name, bundle):
        return False
    try:
        version(name)
    except BackendError:
        return False
    from runtime.backends.tensorrt import ahead

    return ahead.built_not_run(name, opening(name, bundle, precision, box=box))


def open_backend(
    name: str,
    bundle: Bundle,
    precision: str = "fp32",
    device: str = "auto",
    *,
    run: Path | None = None,
    threads: int = 0,
    hint: Hint = "latency",
    box: Path | None = None,
    log: Log = lambda line: None,
) -> Backend:
    """Open a bundle's model in a precision on an engine; see Opening for what the options mean.

    `device`: `auto`, `cpu`, or what the engine calls another (`cuda`, `tensorrt`, `gpu`). Raises BackendError when the
    engine is not installed or cannot run the model, BundleError when the model's file changed.
    """
    wanted = opening(name, bundle, precision, device, run=run, threads=threads, hint=hint, box=box, log=log)
    try:
        return _ENGINES[name].open(wanted)
    except UserError:
        raise
    except Exception as error:  # engines raise types of their own; an import fails in as many ways
        raise BackendError(f"backend {name}: cannot open the {precision} model: {first_line(error)}") from error
