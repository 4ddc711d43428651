"""How many frames to classify at once on this box: measured when an engine is opened, and remembered in its box.

One frame a batch leaves threads waiting for each other at every layer; more frames cost less each, up to a size that
depends on processor, engine and precision. The size is only about time: answers do not depend on it. Where an engine
takes several requests at a time, all of them are kept busy while it is measured, as they are where time matters.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, ValidationError, field_validator
from typing_extensions import Self

from edge_resnet import files
from edge_resnet.bundle import Bundle
from edge_resnet.classifier import Classifier
from edge_resnet.errors import BackendError
from edge_resnet.hardware import cores, cpu_name, others_cpu_s
from edge_resnet.manifest import Strict
from runtime.backends import Backend, variant
from runtime.backends.base import Frames, Hint, Log
from runtime.backends.side_by_side import all_requests

FILE = "batches.json"

# Larger batches must be worth the wait for them.
_AS_FAST_AS_BEST = 1.05
# All its frames grow old while a batch is classified; a larger one that takes so long is no use, however fast a frame.
_LONGEST_BATCH_S = 0.1
_MEASURED_FOR_S = 0.4
# What other programs may take of the processor while it is measured: one that ran by chance would count for ever.
_BEARABLE = 0.1
_MAX_FILE_BYTES = 1 << 18


class Timing(Strict):
    """Milliseconds a frame by the size of the batch, of sizes up to `most`; those that took too long are not there."""

    most: int = Field(ge=1)
    ms_a_frame: dict[int, Annotated[float, Field(gt=0.0)]]

    @field_validator("ms_a_frame")
    @classmethod
    def _has_single_frames(cls, value: dict[int, float]) -> dict[int, float]:
        if 1 not in value or min(value) < 1:
            raise ValueError("no times of batches, which begin at 1")
        return value


class _Content(Strict):
    """batches.json: timings under keys of all that they depend on."""

    # Until version 1 an engine was given one batch at a time, whatever it could take.
    schema_version: Literal[2] = 2
    timings: dict[str, Timing] = Field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """How an engine was opened: `device`, `threads` and `hint` as in runtime.backends.base.Opening; `box`: its box."""

    device: str
    threads: int
    hint: Hint
    box: Path


def useful(
    opened: Backend,
    bundle: Bundle,
    most: int,
    options: Options,
    log: Log,
    undisturbed: Callable[[], bool] = lambda: True,
    clock: Callable[[], float] = time.perf_counter,
) -> int:
    """How many frames, 1 to `most`, an engine that was opened for `bundle` is best given at once on this box.

    Measured in about half a second where the box does not know it yet; `log` is told what was found, which the box
    remembers if nothing disturbed it, cameras that are opened or other programs. An engine that fails meanwhile is
    given one frame at a time: that it fails shows again in use.
    """
    if most == 1:
        return 1
    path = options.box / FILE
    timings = _read(path)
    key = _key(opened, bundle, options)
    known = timings.get(key)
    if known is None or known.most < most:
        size = bundle.model.input
        try:
            frames = np.zeros((most, size.height, size.width, 3), np.uint8)
            with _Others(clock) as others:
                measured = measure(opened, frames, opened.requests, clock)
        except BackendError as error:
            log(f"batches: not measured ({error}), so one frame at a time")
            return 1
        known = Timing(most=most, ms_a_frame=measured)
        log(_describe(opened, known))
        if others.share > _BEARABLE:
            log(f"other programs took {others.share:.0%} of the processor: the next start will measure batches again")
        elif undisturbed():
            _write(path, {**timings, key: known}, log)
    return smallest_of_the_fast({size: ms for size, ms in known.ms_a_frame.items() if size <= most})


class _Others:
    """What share of the processor other programs take, 0..1, known when the context is left."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self.share = clock, 0.0

    def __enter__(self) -> Self:
        self._began_s, self._cpu_s = self._clock(), others_cpu_s()
        return self

    def __exit__(self, *error: object) -> None:
        passed_s = self._clock() - self._began_s
        self.share = (others_cpu_s() - self._cpu_s) / (cores() * passed_s) if passed_s else 0.0


def smallest_of_the_fast(ms_a_frame: Mapping[int, float]) -> int:
    """The smallest size of a batch whose time a frame is within 5% of the shortest; at least one must be given."""
    enough = min(ms_a_frame.values()) * _AS_FAST_AS_BEST
    return min(size for size, ms in ms_a_frame.items() if ms <= enough)


def sizes(most: int) -> list[int]:
    """The sizes that are tried: 1, 2, 4, 8 and so on, and `most`."""
    return sorted({*(1 << power for power in range(most.bit_length())), most})


def measure(
    classifier: Classifier, frames: Frames, requests: int = 1, clock: Callable[[], float] = time.perf_counter
) -> dict[int, float]:
    """Milliseconds a frame of each size up to all of `frames` (N x H x W x 3, uint8, BGR), in rounds through the sizes.

    So many `requests` of a size at a time. The shortest of a size's rounds: other programs can only ever add. The first
    of each size counts for nothing, since an engine prepares itself for each new shape. Raises BackendError when the
    engine fails.
    """
    with all_requests(classifier, requests, clock) as seconds:
        started = clock()
        shortest: dict[int, float] = {}
        for size in sizes(len(frames)):
            seconds(frames[:size])
            took_s = seconds(frames[:size])
            if took_s > _LONGEST_BATCH_S and shortest:
                break
            shortest[size] = took_s
        while clock() - started <= _MEASURED_FOR_S:
            for size in shortest:
                shortest[size] = min(shortest[size], seconds(frames[:size]))
    return {size: 1000.0 * each / (size * requests) for size, each in shortest.items()}


def _key(opened: Backend, bundle: Bundle, options: Options) -> str:
    """A hash over everything known that the times depend on."""
    runs = opened.describe()
    model = bundle.model_sha256(variant(runs.backend, runs.precision, options.device))
    parts = [runs.backend, runs.version, runs.precision, runs.device, model, cpu_name(), options.hint]
    # A container may be given other cores tomorrow.
    parts += [str(each) for each in (options.threads, opened.requests, cores())]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _describe(opened: Backend, timing: Timing) -> str:
    runs = opened.describe()
    times = ", ".join(f"{size}: {ms:.1f}" for size, ms in timing.ms_a_frame.items())
    chosen = smallest_of_the_fast(timing.ms_a_frame)
    return f"{runs.backend} {runs.precision}: batches of up to {chosen} here (ms a frame by size: {times})"


def _read(path: Path) -> dict[str, Timing]:
    """What is remembered; what cannot be read or is no such file counts as nothing, and is measured again."""
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            return {}
        return _Content.model_validate_json(path.read_bytes()).timings
    except (OSError, ValidationError, RecursionError):
        return {}


def _write(path: Path, timings: Mapping[str, Timing], log: Log) -> None:
    try:
        files.write_json(path, _Content(timings=dict(timings)).model_dump(mode="json"))
    except OSError as error:
        log(f"{path}: cannot be written ({error.strerror}); the next start will measure batches again")
