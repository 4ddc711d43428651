"""From an ONNX model to an engine's bytes, by the engine's own parser: no onnx package is needed."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import Any

from edge_resnet.errors import BackendError
from edge_resnet.manifest import ModelSpec
from runtime.backends.base import INPUT, OUTPUTS, Executed
from runtime.backends.tensorrt import inspection
from runtime.backends.tensorrt.api import Api
from runtime.backends.tensorrt.options import Options

# Told: the phase, steps done, steps in all.
Progress = Callable[[str, int, int], None]
# Phases with fewer steps are over before anybody reads their name.
_MIN_STEPS_TOLD = 10


@dataclass(frozen=True)
class Built:
    """An engine as the builder gave it.

    `timing_cache`: its measurements, to be given to the next build, empty where it makes none; `timing_cache_used`:
    whether it took those of the last. `planned`: what it says it will compute in, where it tells that without a GPU.
    """

    engine: bytes
    timing_cache: bytes
    timing_cache_used: bool
    seconds: float
    planned: Executed | None


def build(
    api: Api,
    model: bytes,
    spec: ModelSpec,
    precision: str,
    options: Options,
    timing_cache: bytes = b"",
    progress: Progress = lambda phase, done, total: None,
) -> Built:
    """Build an engine of an ONNX model that is written in `precision` (fp32, fp16, int8).

    Its input is N x H x W x 3 uint8 with the height and width of `spec` and N up to `options.max_batch`. Ctrl-C stops
    the build at its next step where the library tells its steps, else when it is done. Raises BackendError with the
    library's own reason when it cannot read the model or build the engine.
    """
    started = time.monotonic()
    builder = api.trt.Builder(api.logger)
    network = api.network(builder)
    parser = _parse(api, network, model)
    _check_interface(api, network, spec)
    config = _configure(api, builder, precision, options, spec)
    used = api.measures and _set_timing_cache(config, timing_cache)
    engine = _run(api, builder, network, config, progress)
    measured = bytes(config.get_timing_cache().serialize()) if api.measures else b""
    del parser  # the network refers to the weights that it holds
    return Built(
        engine=engine,
        timing_cache=measured,
        timing_cache_used=used,
        seconds=time.monotonic() - started,
        planned=inspection.executed(inspection.from_log(api.journal.layers)),
    )


def _parse(api: Api, network: Any, model: bytes) -> Any:
    parser = api.trt.OnnxParser(network, api.logger)
    if parser.parse(model):
        return parser
    reason = " ".join(str(parser.get_error(0).desc()).split()) if parser.num_errors else api.journal.reason
    raise BackendError(f"{api.name} {api.version}: cannot read the ONNX model: {reason}")


def _check_interface(api: Api, network: Any, spec: ModelSpec) -> None:
    """An ONNX that is not ours parses, but does not fit the frames."""
    inputs = [network.get_input(i) for i in range(network.num_inputs)]
    outputs = {network.get_output(i).name for i in range(network.num_outputs)}
    shapes = {tensor.name: tuple(tensor.shape) for tensor in inputs}
    shape = (-1, spec.input.height, spec.input.width, 3)
    if shapes != {INPUT: shape} or outputs != set(OUTPUTS) or inputs[0].dtype != api.trt.DataType.UINT8:
        raise BackendError(
            f"{api.name}: not a model of edge-resnet: it takes {shapes} and gives {sorted(outputs)}, "
            f"where {INPUT} of uint8 {shape} and {', '.join(OUTPUTS)} are wanted; export it again"
        )


def _configure(api: Api, builder: Any, precision: str, options: Options, spec: ModelSpec) -> Any:
    config = builder.create_builder_config()
    # Else the inspector tells names only, and no proof of what really runs is possible.
    config.profiling_verbosity = api.trt.ProfilingVerbosity.DETAILED
    api.allow_precision(config, precision)
    api.forbid_tf32(config)
    if not api.set_target(config, options.target):
        known = ", ".join(("current", *api.capabilities)) or "current"
        raise BackendError(f"{api.name} {api.version}: cannot build for {options.target}; --target takes {known}")
    if options.workspace_mb:
        config.set_memory_pool_limit(api.trt.MemoryPoolType.WORKSPACE, options.workspace_mb << 20)
    if options.version_compatible:
        _make_version_compatible(api, config)
    profile = builder.create_optimization_profile()
    side = (spec.input.height, spec.input.width, 3)
    profile.set_shape(INPUT, *((frames, *side) for frames in options.profile))
    config.add_optimization_profile(profile)
    return config


def _make_version_compatible(api: Api, config: Any) -> None:
    flag = api.builder_flag("VERSION_COMPATIBLE")
    if flag is None:
        raise BackendError(f"{api.name} {api.version}: builds no version-compatible engines")
    config.set_flag(flag)


def _set_timing_cache(config: Any, content: bytes) -> bool:
    """Give the builder its old measurements; False when it does not take them and begins with none."""
    cache = config.create_timing_cache(content)
    if content and cache is not None and config.set_timing_cache(cache, False):
        return True
    config.set_timing_cache(config.create_timing_cache(b""), False)
    return False


def _run(api: Api, builder: Any, network: Any, config: Any, progress: Progress) -> bytes:
    """Build in a thread of its own: only the main thread hears Ctrl-C, and it must not be inside the library then."""
    stopped = Event()
    failures: list[Exception] = []

    def monitor(phase: str, done: int, total: int) -> bool:
        try:
            if total >= _MIN_STEPS_TOLD:
                progress(phase, done, total)
        except Exception as error:  # which would be lost in the library's C++
            failures.append(error)
            return False
        return not stopped.is_set()

    api.journal.errors.clear()  # of caches that were not taken
    kept_alive = api.set_monitor(config, monitor)
    with ThreadPoolExecutor(1) as thread:
        building = thread.submit(builder.build_serialized_network, network, config)
        try:
            plan = building.result()
        except BaseException:
            stopped.set()
            raise
    del kept_alive
    if failures:
        raise failures[0]
    if plan is None:
        raise BackendError(f"{api.name} {api.version}: cannot build the engine: {api.journal.reason}")
    return bytes(plan)
