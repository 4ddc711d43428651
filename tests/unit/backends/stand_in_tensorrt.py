"""Stand-ins for what cannot run without a GPU: TensorRT 8.6, 10 and 11 as far as the adaptor looks, and CUDA's runtime.

What each version has was read off the Python bindings of 8.6.1, 10.13.0 and 11.4.0. Their engines give the mean
of a frame's pixels, as the logit of each class and in each cell of the map.
"""

from __future__ import annotations

import ctypes
import json
import sys
from enum import Enum, IntEnum
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

SIDE = (32, 64, 3)
CLASSES = 2
CELLS = (1, 2)
# What the adaptor may look for: the rest of the flags does not matter to it.
_FLAGS = {
    "8.6.1": ("FP16", "INT8", "TF32", "VERSION_COMPATIBLE"),
    "10.13.0": ("FP16", "INT8", "TF32", "VERSION_COMPATIBLE"),
    "11.4.0": ("TF32", "VERSION_COMPATIBLE"),
}
_CREATION_FLAGS = {
    "8.6.1": ("EXPLICIT_BATCH", "EXPLICIT_PRECISION"),
    "10.13.0": ("EXPLICIT_BATCH", "STRONGLY_TYPED"),
    "11.4.0": ("STRONGLY_TYPED",),
}
_LEVELS = {
    "8.6.1": ("NONE", "AMPERE_PLUS"),
    "10.13.0": ("NONE", "AMPERE_PLUS", "SAME_COMPUTE_CAPABILITY"),
    "11.4.0": ("NONE", "AMPERE_PLUS", "SAME_COMPUTE_CAPABILITY"),
}
VERSIONS = tuple(_FLAGS)
PHASE, STEPS = "Timing graph nodes", 12


class _Severity(Enum):
    ERROR = 1
    VERBOSE = 4


class _Logger:
    pass


class _ProgressMonitor:
    pass


class _Config:
    def __init__(self) -> None:
        self.flags: set[str] = {"TF32"}
        self.workspace = 0
        self.hardware_compatibility_level: Any = None
        self.profiling_verbosity = ""
        self.shapes: tuple[tuple[int, ...], ...] = ()
        self.cache = b""

    def set_flag(self, flag: Enum) -> None:
        self.flags.add(flag.name)

    def clear_flag(self, flag: Enum) -> None:
        self.flags.discard(flag.name)

    def set_memory_pool_limit(self, pool: str, size: int) -> None:
        self.workspace = size

    def add_optimization_profile(self, profile: Any) -> None:
        self.shapes = profile.shapes

    def create_timing_cache(self, content: bytes) -> SimpleNamespace:
        return SimpleNamespace(content=content, serialize=lambda: content or b"measured")

    def set_timing_cache(self, cache: SimpleNamespace, ignore_mismatch: bool) -> bool:
        if cache.content not in (b"", b"measured"):
            return False
        self.cache = cache.content
        return True

    def get_timing_cache(self) -> SimpleNamespace:
        return self.create_timing_cache(self.cache)


class _Profile:
    shapes: tuple[tuple[int, ...], ...] = ()

    def set_shape(self, name: str, *shapes: tuple[int, ...]) -> None:
        assert name == "frames"
        self.shapes = shapes


class _Network:
    num_inputs, num_outputs = 1, 2

    def __init__(self, flags: int) -> None:
        self.flags = flags

    def get_input(self, number: int) -> SimpleNamespace:
        return SimpleNamespace(name="frames", shape=(-1, *SIDE), dtype="uint8")

    def get_output(self, number: int) -> SimpleNamespace:
        return SimpleNamespace(name=("logits", "cam")[number])


class _Parser:
    num_errors = 1

    def __init__(self, network: _Network, logger: _Logger) -> None:
        pass

    def parse(self, model: bytes) -> bool:
        return model != b"not ours"

    def get_error(self, number: int) -> SimpleNamespace:
        return SimpleNamespace(desc=lambda: "no such\noperator")


class _Builder:
    def __init__(self, logger: _Logger) -> None:
        self.logger = logger

    def create_network(self, flags: int = 0) -> _Network:
        return _Network(flags)

    def create_builder_config(self) -> _Config:
        return self.config()

    config = _Config

    def create_optimization_profile(self) -> _Profile:
        return _Profile()

    def build_serialized_network(self, network: _Network, config: _Config) -> bytes | None:
        """What was asked for, as the engine: tests read it, and the runtime below runs it."""
        monitor = getattr(config, "progress_monitor", None)
        if monitor is not None:
            monitor.phase_start(PHASE, None, STEPS)
            if not all(monitor.step_complete(PHASE, step) for step in range(STEPS)):
                self.logger.log(_Severity.ERROR, "stopped")  # type: ignore[attr-defined]
                return None
        level = config.hardware_compatibility_level
        asked = {
            "network_flags": network.flags,
            "flags": sorted(config.flags),
            "level": None if level is None else level.name,
            "verbosity": config.profiling_verbosity,
            "workspace": config.workspace,
            "profile": config.shapes,
        }
        return json.dumps(asked).encode()


class _ConfigWithProgress(_Config):
    progress_monitor: Any = None


class _BuilderWithProgress(_Builder):
    config = _ConfigWithProgress


class Context:
    """Reads and writes at the addresses it was given, as kernels do; `shapes_set` counts set_input_shape."""

    def __init__(self, max_batch: int) -> None:
        self._max_batch = max_batch
        self._batch = 0
        self._addresses: dict[str, int] = {}
        self.runs: list[int] = []

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self._batch = shape[0]
        return shape[0] <= self._max_batch

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return {
            "frames": (self._batch, *SIDE),
            "logits": (self._batch, CLASSES),
            "cam": (self._batch, CLASSES, *CELLS),
        }[name]

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        CudaRuntime.active.do(self._run)
        return True

    def _run(self) -> None:
        self.runs.append(self._batch)
        means = self._array("frames", ctypes.c_uint8).reshape(self._batch, -1).mean(axis=1)
        self._array("logits", ctypes.c_float)[:] = means[:, None]
        self._array("cam", ctypes.c_float)[:] = means[:, None, None, None]

    def _array(self, name: str, kind: Any) -> np.ndarray:
        shape = self.get_tensor_shape(name)
        size = int(np.prod(shape))
        return np.ctypeslib.as_array((kind * size).from_address(self._addresses[name])).reshape(shape)


class Engine:
    """An engine that was loaded; `inspected` is what its inspector tells."""

    inspected = json.dumps({"Layers": ["conv1", "conv2"]})

    def __init__(self, plan: bytes) -> None:
        self.context = Context(json.loads(plan)["profile"][2][0])

    def create_execution_context(self, config: RuntimeConfig | None = None) -> Context:
        return self.context

    def create_engine_inspector(self) -> SimpleNamespace:
        return SimpleNamespace(execution_context=None, get_engine_information=lambda format: self.inspected)


class RuntimeCache:
    """Of compiled kernels, as tensorrt_rtx has one."""

    content = b"compiled"

    def __init__(self) -> None:
        self.taken = False

    def deserialize(self, content: bytes) -> bool:
        self.taken = content == self.content
        return self.taken

    def serialize(self) -> bytes:
        return self.content


class RuntimeConfig:
    """As tensorrt_rtx has one; `made` is the last."""

    made: RuntimeConfig
    cuda_graph_strategy = ""

    def __init__(self) -> None:
        RuntimeConfig.made = self
        self.cache = RuntimeCache()

    def create_runtime_cache(self) -> RuntimeCache:
        return self.cache

    def set_runtime_cache(self, cache: RuntimeCache) -> bool:
        return True


class _Runtime:
    engine_host_code_allowed = False
    loaded: Engine | None = None

    def __init__(self, logger: _Logger) -> None:
        pass

    def deserialize_cuda_engine(self, plan: bytes) -> Engine | None:
        if "VERSION_COMPATIBLE" in json.loads(plan)["flags"] and not self.engine_host_code_allowed:
            return None
        _Runtime.loaded = Engine(plan)
        return _Runtime.loaded


def tensorrt(version: str) -> ModuleType:
    """A module like `tensorrt` of one of VERSIONS."""
    module: Any = ModuleType("tensorrt")
    module.__version__ = version
    module.BuilderFlag = IntEnum("BuilderFlag", _FLAGS[version], start=0)
    module.NetworkDefinitionCreationFlag = IntEnum("NetworkDefinitionCreationFlag", _CREATION_FLAGS[version], start=0)
    module.HardwareCompatibilityLevel = IntEnum("HardwareCompatibilityLevel", _LEVELS[version], start=0)
    module.ProfilingVerbosity = SimpleNamespace(DETAILED="detailed")
    module.MemoryPoolType = SimpleNamespace(WORKSPACE="workspace")
    module.LayerInformationFormat = SimpleNamespace(JSON="json")
    module.CudaGraphStrategy = SimpleNamespace(WHOLE_GRAPH_CAPTURE="whole graph")
    module.DataType = SimpleNamespace(UINT8="uint8")
    module.ILogger, module.OnnxParser, module.Runtime = _Logger, _Parser, _Runtime
    module.Builder = _Builder
    if version != "8.6.1":
        module.IProgressMonitor, module.Builder = _ProgressMonitor, _BuilderWithProgress
    return module


def loaded() -> Engine:
    """The engine that was loaded last."""
    assert _Runtime.loaded is not None
    return _Runtime.loaded


class CudaRuntime:
    """Like cuda.bindings.runtime, the GPU's memory being the host's. `failing` names calls that return an error."""

    active: CudaRuntime

    cudaHostAllocDefault, cudaStreamNonBlocking = 0, 1
    cudaMemcpyKind = SimpleNamespace(cudaMemcpyHostToDevice=1, cudaMemcpyDeviceToHost=2)
    cudaStreamCaptureMode = SimpleNamespace(cudaStreamCaptureModeThreadLocal=1)

    class cudaError_t(IntEnum):
        cudaSuccess = 0
        cudaErrorInsufficientDriver = 35
        cudaErrorStreamCaptureUnsupported = 900

    def __init__(self, failing: dict[str, int] | None = None, gpu: str = "Stand-in GPU", capability: int = 89) -> None:
        CudaRuntime.active = self
        self._failing = failing or {}
        self._gpu, self._capability = gpu, capability
        self._memory: dict[int, Any] = {}
        self._captured: list[Any] | None = None
        self.driver = 13000
        self.launched = 0
        self.graphs = 0

    @property
    def allocated(self) -> int:
        return len(self._memory)

    def __getattribute__(self, name: str) -> Any:
        failing = object.__getattribute__(self, "__dict__").get("_failing", {})
        if name not in failing:
            return object.__getattribute__(self, name)

        def fails(*arguments: Any) -> tuple[Any, None]:
            return self.cudaError_t(failing[name]), None

        fails.__name__ = name
        return fails

    def do(self, work: Any) -> None:
        """Run work, or record it while the stream is captured."""
        work() if self._captured is None else self._captured.append(work)

    def cudaGetDeviceCount(self) -> tuple[Any, int]:
        return self.cudaError_t.cudaSuccess, 1

    def cudaGetDeviceProperties(self, index: int) -> tuple[Any, Any]:
        major, minor = divmod(self._capability, 10)
        uuid = SimpleNamespace(bytes=bytes(range(16)))
        return 0, SimpleNamespace(name=self._gpu.encode() + b"\0\0", uuid=uuid, major=major, minor=minor)

    def cudaDriverGetVersion(self) -> tuple[int, int]:
        return 0, self.driver

    def cudaSetDevice(self, index: int) -> tuple[int]:
        return (0,)

    def _allocate(self, size: int) -> tuple[int, int]:
        memory = ctypes.create_string_buffer(size)
        self._memory[ctypes.addressof(memory)] = memory
        return 0, ctypes.addressof(memory)

    def cudaHostAlloc(self, size: int, flags: int) -> tuple[int, int]:
        return self._allocate(size)

    def cudaMalloc(self, size: int) -> tuple[int, int]:
        return self._allocate(size)

    def cudaFree(self, address: int) -> tuple[int]:
        del self._memory[address]
        return (0,)

    cudaFreeHost = cudaFree

    def cudaMemcpyAsync(self, target: int, source: int, size: int, kind: int, stream: int) -> tuple[int]:
        self.do(lambda: ctypes.memmove(target, source, size))
        return (0,)

    def cudaStreamCreateWithFlags(self, flags: int) -> tuple[int, int]:
        return 0, 7

    def cudaStreamBeginCapture(self, stream: int, mode: int) -> tuple[int]:
        self._captured = []
        return (0,)

    def cudaStreamEndCapture(self, stream: int) -> tuple[int, list[Any] | None]:
        captured, self._captured = self._captured, None
        return 0, captured

    def cudaGraphInstantiate(self, graph: list[Any], flags: int) -> tuple[int, list[Any]]:
        self.graphs += 1
        return 0, graph

    def cudaGraphDestroy(self, graph: list[Any]) -> tuple[int]:
        return (0,)

    def cudaGraphLaunch(self, graph: list[Any], stream: int) -> tuple[int]:
        self.launched += 1
        for work in graph:
            work()
        return (0,)

    def cudaGraphExecDestroy(self, graph: list[Any]) -> tuple[int]:
        self.graphs -= 1
        return (0,)

    def cudaStreamSynchronize(self, stream: int) -> tuple[int]:
        return (0,)

    def cudaStreamDestroy(self, stream: int) -> tuple[int]:
        return (0,)


def install(monkeypatch: Any, version: str = "10.13.0", cuda: CudaRuntime | None = None) -> CudaRuntime:
    """Put the stand-ins in the place of `tensorrt` and of the CUDA runtime."""
    from runtime.backends.tensorrt import gpu

    cuda = CudaRuntime() if cuda is None else cuda
    monkeypatch.setitem(sys.modules, "tensorrt", tensorrt(version))
    monkeypatch.setattr(gpu, "cudart", cuda)
    return cuda
