"""What every inference engine is to the rest: open it, infer, ask what really runs, close it."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

import numpy as np
import numpy.typing as npt
from typing_extensions import Self

from edge_resnet.bundle import Bundle
from edge_resnet.classifier import Scores
from edge_resnet.errors import BackendError
from edge_resnet.manifest import ModelSpec

Frames = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Hint = Literal["latency", "throughput"]
Log = Callable[[str], None]
# As the graph names them, in this order.
INPUT = "frames"
OUTPUTS = ("logits", "cam")


@dataclass(frozen=True)
class Opening:
    """What is to be opened, and how.

    `variant`: the model file that holds `precision` for this engine (see edge_resnet.bundle.MODEL_FILES). `device`:
    `auto`, `cpu`, or what the engine calls another. `run`: the trained run's folder, None for the bundle's parent.
    `threads`: of the processor, 0 for the engine's own choice. `hint`: one frame as soon as possible, or many frames a
    second. `box`: the folder for what is built and cached here, None to keep nothing. `log` is told, in lines, of what
    takes long.
    """

    bundle: Bundle
    precision: str
    variant: str
    device: str
    run: Path | None
    threads: int
    hint: Hint
    box: Path | None
    log: Log

    @property
    def model(self) -> bytes:
        """The ONNX model, checked. Raises BundleError."""
        return self.bundle.model_bytes(self.variant)


@dataclass(frozen=True)
class Executed:
    """What the engine made of the graph, as its own inspector tells.

    `convolutions`: how many there are in each precision (`fp32`, `fp16`, `bf16`, `int8`). `fused_adds`: how many of the
    residual additions are computed inside a convolution. `reformats`: layers that only change type or layout. None
    where the engine does not tell.
    """

    convolutions: dict[str, int]
    fused_adds: int | None = None
    reformats: int | None = None

    @property
    def runs(self) -> str:
        """The precision that most convolutions run in; `unknown` when the engine told of none."""
        return max(self.convolutions, key=self.convolutions.__getitem__, default="unknown")

    def share(self, precision: str) -> float:
        """The share of convolutions in a precision, 0..1."""
        total = sum(self.convolutions.values())
        return self.convolutions.get(precision, 0) / total if total else 0.0


@dataclass(frozen=True)
class Description:
    """What really runs.

    `precision` was asked for, `runs` is what most convolutions compute in (`fp32`, `fp16`, `bf16`, `int8`), and
    `executed` the count, where the engine tells. `emulated`: the device has no such arithmetic, so the numbers are a
    stand-in and the speed says nothing. When `runs` differs from `precision` and it is not emulated, the engine went
    down silently. `note` tells more for people.
    """

    backend: str
    version: str
    device: str
    precision: str
    runs: str
    emulated: bool = False
    note: str = ""
    executed: Executed | None = None

    @property
    def downgraded(self) -> bool:
        """Whether the engine runs something else though the device could run what was asked for."""
        return self.runs != self.precision and not self.emulated


class Backend(ABC):
    """A model opened on an engine, as a context manager.

    Threads may share one: `infer` runs as many batches at a time as it has `requests`, and others wait. With one, the
    engine uses all cores for a batch; with several, each has cores of its own, so that none waits for another.
    """

    def __init__(self, spec: ModelSpec, requests: int = 1) -> None:
        self.requests = requests
        self._frame_shape = (spec.input.height, spec.input.width, 3)
        self._free = threading.BoundedSemaphore(requests)

    def infer(self, frames: Frames) -> Scores:
        """Classify `frames`: N x H x W x 3, uint8, BGR, of the network's input size, N at least 1.

        Raises ValueError when shape or type are others, BackendError when the engine cannot run the batch.
        """
        if frames.dtype != np.uint8 or frames.shape[1:] != self._frame_shape or not len(frames):
            expected = " x ".join(str(side) for side in self._frame_shape)
            raise ValueError(f"frames must be uint8, N x {expected} with N >= 1, not {frames.dtype}, {frames.shape}")
        try:
            with self._free:
                logits, cam = self._run(np.ascontiguousarray(frames))
        except Exception as error:  # engines raise types of their own, and bare RuntimeErrors
            name = self.describe().backend
            raise BackendError(f"{name}: cannot run a batch of {len(frames)}: {first_line(error)}") from error
        return Scores(logits, cam)

    @abstractmethod
    def describe(self) -> Description:
        """What really runs, as the engine tells it."""

    def close(self) -> None:  # noqa: B027 - most engines free everything when they are dropped
        """Give the engine's memory back."""

    @abstractmethod
    def _run(self, frames: Frames) -> tuple[Floats, Floats]:
        """Logits and map of contiguous frames of the right shape, as arrays of their own (no view of a buffer).

        Called by as many threads at a time as there are requests.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def check_interface(engine: str, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Raise BackendError when a model that an engine has read has not the inputs and outputs of ours, by name."""
    if list(inputs) != [INPUT] or set(outputs) != set(OUTPUTS):
        raise BackendError(
            f"{engine}: not a model that edge-resnet exported (it takes {', '.join(inputs)} and gives "
            f"{', '.join(outputs)}); export it again"
        )


def first_line(error: BaseException) -> str:
    """What an engine's error says, in one line; OpenVINO begins with the places in its source."""
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in lines if line and not line.startswith("Exception from ")), type(error).__name__)
