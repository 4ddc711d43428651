"""Measuring points of tune's grid on this box: accuracy once for each network, time in rounds; what is done is kept."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError

from edge_resnet import files
from edge_resnet.bundle import Bundle
from edge_resnet.errors import BackendError
from edge_resnet.hardware import cpu_name
from edge_resnet.manifest import Strict
from runtime.backends import Backend, open_backend, variant
from runtime.backends.base import Frames, Hint
from runtime.backends.registry import version
from runtime.backends.side_by_side import all_requests

Rights = npt.NDArray[np.bool_]
# Height and width in pixels.
Size = tuple[int, int]

_MAX_FILE_BYTES = 256 << 20


@dataclass(frozen=True, order=True)
class Network:
    """An input size in a precision on an engine: what accuracy depends on. `height` and `width` are in pixels."""

    height: int
    width: int
    precision: str
    backend: str

    def describe(self) -> str:
        """For people."""
        return f"{self.height}x{self.width} {self.precision} on {self.backend}"


@dataclass(frozen=True, order=True)
class Point:
    """A network with a number of threads (0: the engine's own choice): what time depends on."""

    network: Network
    threads: int

    def describe(self) -> str:
        """For people."""
        return f"{self.network.describe()}, threads {self.threads or 'auto'}"


@dataclass(frozen=True)
class Effort:
    """How long time is measured: in each of `rounds`, `frames` one by one and `batches` of `batch` frames.

    120 frames in all are the least for a 99th percentile that is not simply the slowest frame.
    """

    rounds: int = 4
    frames: int = 30
    warm_up: int = 3
    batches: int = 3
    batch: int = 8


class Round(Strict):
    """The times of one point in one round: milliseconds of each single frame, and frames a second in batches."""

    latencies_ms: tuple[float, ...] = Field(min_length=1)
    frames_per_s: float = Field(gt=0.0)


class _Content(Strict):
    # A digit a picture: whether the network has it right.
    rights: dict[str, Annotated[str, Field(pattern=r"^[01]+$")]] = Field(default_factory=dict)
    rounds: dict[str, tuple[Round, ...]] = Field(default_factory=dict)


@dataclass(frozen=True)
class Times:
    """The times of one point over all rounds, of the engine alone: without decoding and resizing the frame."""

    p50_ms: float
    p99_ms: float
    frames_per_s: float

    @classmethod
    def of(cls, rounds: Sequence[Round]) -> Times:
        """Percentiles over the frames of all rounds, and the median round's throughput."""
        pooled = np.concatenate([each.latencies_ms for each in rounds])
        p50, p99 = (float(value) for value in np.percentile(pooled, (50, 99)))
        return cls(p50, p99, statistics.median(each.frames_per_s for each in rounds))


class Notebook:
    """What was measured, in one file of the box, under keys of all that it depends on.

    A notebook that cannot be read counts as empty. It is written after each measurement, so that nothing that was done
    is lost when the command is interrupted.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        content = _read(path)
        self._rights, self._rounds = dict(content.rights), dict(content.rounds)

    def right(self, key: str) -> Rights | None:
        """Which pictures a network has right, if it was measured."""
        answers = self._rights.get(key)
        return None if answers is None else np.array([answer == "1" for answer in answers], np.bool_)

    def keep_right(self, key: str, right: Rights) -> None:
        self._rights[key] = "".join("1" if each else "0" for each in right)
        self._write()

    def rounds(self, key: str) -> tuple[Round, ...]:
        """The rounds of a point that were measured."""
        return self._rounds.get(key, ())

    def keep_round(self, key: str, done: Round) -> None:
        self._rounds[key] = (*self.rounds(key), done)
        self._write()

    def forget_rounds_but(self, keys: Sequence[str]) -> None:
        """Drop the rounds of other grids: times are compared only within one."""
        self._rounds = {key: rounds for key, rounds in self._rounds.items() if key in keys}

    def _write(self) -> None:
        content = _Content(rights=self._rights, rounds=self._rounds)
        files.write_bytes(self._path, content.model_dump_json().encode())


def _read(path: Path) -> _Content:
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            return _Content()
        return _Content.model_validate_json(path.read_bytes())
    except (OSError, ValidationError, RecursionError):
        return _Content()


@dataclass(frozen=True)
class Bench:
    """Where networks are timed: the bundle of each input size, and the box of each for what engines cache."""

    bundles: dict[Size, Bundle]
    boxes: dict[Size, Path]
    effort: Effort = field(default_factory=Effort)

    def bundle_of(self, network: Network) -> Bundle:
        return self.bundles[network.height, network.width]

    def box_of(self, network: Network) -> Path:
        return self.boxes[network.height, network.width]

    def key(self, network: Network, *others: str) -> str:
        """A hash over the model's file, the engine and its version, the processor, and `others`."""
        model = self.bundle_of(network).model_sha256(variant(network.backend, network.precision))
        parts = (model, network.precision, network.backend, version(network.backend), cpu_name(), *others)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def round(self, point: Point) -> Round:
        """Time one point once: single frames with the engine opened for latency, batches with it for throughput."""
        golden = self.bundle_of(point.network).golden().frames
        with self._open(point, "latency") as engine:
            latencies = _latencies(engine, golden, self.effort)
        with self._open(point, "throughput") as engine:
            return Round(latencies_ms=latencies, frames_per_s=_frames_per_s(engine, golden, self.effort))

    def _open(self, point: Point, hint: Hint) -> Backend:
        network = point.network
        return open_backend(
            network.backend,
            self.bundle_of(network),
            network.precision,
            threads=point.threads,
            hint=hint,
            box=self.box_of(network),
        )


def time_in_rounds(
    bench: Bench, points: Sequence[Point], notebook: Notebook, progress: Callable[[int, int], None]
) -> dict[Point, Times | BackendError]:
    """Time all points, round after round, so that a box that grows warm or busy does so to all alike.

    An engine is opened anew in each round: the memory is that of one engine, whatever the size of the grid. Rounds that
    an interrupted run of the same grid measured are not measured again; `progress` is told of rounds done, and in all.
    A point that fails gives its error.
    """
    effort = bench.effort
    plain = [bench.key(point.network, str(point.threads), repr(effort)) for point in points]
    grid = hashlib.sha256("\0".join(sorted(plain)).encode()).hexdigest()
    keys = {point: f"{key}-{grid}" for point, key in zip(points, plain, strict=True)}
    notebook.forget_rounds_but(list(keys.values()))
    failed: dict[Point, BackendError] = {}
    for number in range(effort.rounds):
        # Every second round goes the other way, so that a drift within a round favours nobody.
        for position, point in enumerate(points[:: -1 if number % 2 else 1], 1):
            if point not in failed and len(notebook.rounds(keys[point])) <= number:
                try:
                    notebook.keep_round(keys[point], bench.round(point))
                except BackendError as error:
                    failed[point] = error
            progress(number * len(points) + position, effort.rounds * len(points))
    return {point: failed.get(point) or Times.of(notebook.rounds(key)) for point, key in keys.items()}


def _latencies(engine: Backend, frames: Frames, effort: Effort) -> tuple[float, ...]:
    """Milliseconds of single frames, after a warm-up."""
    latencies = []
    for number in range(effort.warm_up + effort.frames):
        position = number % len(frames)
        start = time.perf_counter()
        engine.infer(frames[position : position + 1])
        latencies.append(1000 * (time.perf_counter() - start))
    return tuple(latencies[effort.warm_up :])


def _frames_per_s(engine: Backend, frames: Frames, effort: Effort) -> float:
    """Frames a second in batches, as many at a time as the engine takes, after the first as a warm-up."""
    batch = frames[np.arange(effort.batch) % len(frames)]
    with all_requests(engine, engine.requests) as seconds:
        seconds(batch)
        took_s = sum(seconds(batch) for _ in range(effort.batches))
    return effort.batches * engine.requests * effort.batch / took_s
