"""The GPU and its memory, by NVIDIA's cuda-bindings: which card, calls that raise, buffers, a stream and its graph."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from cuda.bindings import runtime as cudart

from edge_resnet.errors import BackendError

_DRIVER_FILE = Path("/proc/driver/nvidia/version")
_DEVICES = ("auto", "cuda", "gpu")


@dataclass(frozen=True)
class Gpu:
    """A card. `capability`: such as `SM89`. `driver`: the newest CUDA it serves, and its release where it is told."""

    index: int
    name: str
    uuid: str
    capability: str
    driver: str

    @property
    def parts(self) -> dict[str, str]:
        """What an engine that was built on it depends on: another card of the same model runs it too."""
        return {"GPU": f"{self.name} {self.capability}", "driver": self.driver}


def find_gpu(engine: str, device: str) -> Gpu:
    """The card that `device` names: `auto`, `cuda`, `gpu` or `cuda:N`. Raises BackendError when there is none."""
    name, _, number = device.partition(":")
    if name not in _DEVICES or (number and not number.isdigit()):
        raise BackendError(f"{engine}: no device {device}, it runs on cuda or cuda:N")
    try:
        count = call(cudart.cudaGetDeviceCount)
    except (BackendError, RuntimeError) as error:  # a RuntimeError where cuda-bindings finds no driver's library
        raise BackendError(f"{engine}: no NVIDIA GPU with a driver here ({error})") from error
    index = int(number or 0)
    if index >= count:
        raise BackendError(f"{engine}: no device {device}, there are {count} GPUs here")
    properties = call(cudart.cudaGetDeviceProperties, index)
    return Gpu(
        index=index,
        name=properties.name.decode(errors="replace").strip("\0"),
        uuid=bytes(properties.uuid.bytes).hex(),
        capability=f"SM{properties.major}{properties.minor}",
        driver=_driver(),
    )


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of the CUDA runtime and give what it returns. Raises BackendError with its name when it fails."""
    status, *values = function(*arguments)
    if int(status) != 0:
        # The enum's own name; one that is newer than the bindings is told as its number.
        raise BackendError(f"{function.__name__}: {getattr(status, 'name', status)}")
    return values[0] if values else None


class Buffer:
    """The memory of one tensor: `array` in page-locked memory of the host, `device` the address on the GPU."""

    def __init__(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
        self._row_bytes = int(np.prod(shape[1:])) * np.dtype(dtype).itemsize
        size = shape[0] * self._row_bytes
        self._host = int(call(cudart.cudaHostAlloc, size, cudart.cudaHostAllocDefault))
        self.device = 0
        try:
            self.device = int(call(cudart.cudaMalloc, size))
        except BackendError:
            self.free()
            raise
        memory = memoryview((ctypes.c_uint8 * size).from_address(self._host))
        self.array: npt.NDArray[Any] = np.frombuffer(memory, dtype).reshape(shape)

    def upload(self, rows: int, stream: Any) -> None:
        """Copy the first rows to the GPU, in the stream's order."""
        kind = cudart.cudaMemcpyKind.cudaMemcpyHostToDevice
        call(cudart.cudaMemcpyAsync, self.device, self._host, rows * self._row_bytes, kind, stream)

    def download(self, rows: int, stream: Any) -> None:
        """Copy the first rows from the GPU, in the stream's order."""
        kind = cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost
        call(cudart.cudaMemcpyAsync, self._host, self.device, rows * self._row_bytes, kind, stream)

    def free(self) -> None:
        """Give the memory back; `array` must not be touched afterwards."""
        if self.device:
            cudart.cudaFree(self.device)
        cudart.cudaFreeHost(self._host)


class Stream:
    """A stream of the GPU, and one graph captured from it."""

    def __init__(self) -> None:
        self.handle = call(cudart.cudaStreamCreateWithFlags, cudart.cudaStreamNonBlocking)
        self._graph: Any = None

    @property
    def has_graph(self) -> bool:
        return self._graph is not None

    def capture(self, work: Callable[[], None]) -> None:
        """Record what `work` puts into the stream as a graph, without running it. Raises BackendError."""
        call(
            cudart.cudaStreamBeginCapture,
            self.handle,
            cudart.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal,
        )
        try:
            work()
        except BackendError:
            cudart.cudaStreamEndCapture(self.handle)  # else the stream stays unusable
            raise
        graph = call(cudart.cudaStreamEndCapture, self.handle)
        try:
            self._graph = call(cudart.cudaGraphInstantiate, graph, 0)
        finally:
            cudart.cudaGraphDestroy(graph)

    def launch(self) -> None:
        """Run the captured graph."""
        call(cudart.cudaGraphLaunch, self._graph, self.handle)

    def wait(self) -> None:
        """Until all work in the stream is done. Raises BackendError when some of it failed."""
        call(cudart.cudaStreamSynchronize, self.handle)

    def forget_graph(self) -> None:
        """Drop the graph, when what it was captured from changes."""
        if self._graph is not None:
            cudart.cudaGraphExecDestroy(self._graph)
            self._graph = None

    def close(self) -> None:
        """Drop the graph and the stream."""
        self.forget_graph()
        cudart.cudaStreamDestroy(self.handle)


def use(gpu: Gpu) -> None:
    """Make `gpu` the one that this thread's calls go to: CUDA remembers it for each thread."""
    call(cudart.cudaSetDevice, gpu.index)


def _driver() -> str:
    cuda = str(call(cudart.cudaDriverGetVersion))
    try:
        first = _DRIVER_FILE.read_text().splitlines()[0]
    except (OSError, IndexError):
        return cuda
    return f"{cuda} ({' '.join(first.split())})"
