"""Engines that are built before they are first run: by `edge-resnet build`, also for a GPU that is not here."""

from __future__ import annotations

from edge_resnet.errors import BackendError, UserError
from runtime.backends.base import Opening, first_line
from runtime.backends.tensorrt.api import Api
from runtime.backends.tensorrt.builder import Progress
from runtime.backends.tensorrt.engine import Engine, Workshop
from runtime.backends.tensorrt.gpu import Gpu, find_gpu
from runtime.backends.tensorrt.options import Options


def build_ahead(name: str, opening: Opening, options: Options, progress: Progress) -> tuple[Engine, bool]:
    """Build and keep an engine for library `name`, or find it kept; and whether the GPU here can run it.

    Raises BackendError when it cannot be built or kept, BundleError.
    """
    gpu = _gpu_here(name, opening)
    try:
        engine = Workshop(Api(name), opening).make(options, gpu, progress)
    except UserError:
        raise
    except Exception as error:  # the library raises types of its own
        raise BackendError(f"{name}: cannot build the {opening.precision} engine: {first_line(error)}") from error
    if engine.problem:
        raise BackendError(engine.problem)
    return engine, gpu is not None and _fits(options.target, gpu)


def built_not_run(name: str, opening: Opening) -> bool:
    """Whether a sound engine for this model lies in the box, made on this machine, for a GPU that is not here."""
    return _gpu_here(name, opening) is None and Workshop(Api(name), opening).lies_built()


def _gpu_here(name: str, opening: Opening) -> Gpu | None:
    try:
        return find_gpu(name, opening.device)
    except BackendError:
        return None


def _fits(target: str, gpu: Gpu) -> bool:
    # What is for no compute capability by name was built on this card, and so for it too.
    return not target.startswith("SM") or target == gpu.capability
