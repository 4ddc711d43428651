"""How fast the engines are, one against the other: measured in turns, so that the box's mood strikes them all alike.

A processor grows hot, and other programs come and go, so that times taken one engine after the other say little. Here
each round times every engine for a few frames, one frame a batch; what is told is the median of the rounds' ratios.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import numpy.typing as npt

from edge_resnet.classifier import Classifier

Frames = npt.NDArray[np.uint8]
# Engine and precision.
Key = tuple[str, str]
# Told: rounds done, rounds in all.
Progress = Callable[[int, int], None]

# Where other programs run too, one round says little; rounds go on until so many seconds are over.
ROUNDS, ENOUGH_S = 7, 8.0
# A slow box stops here, but fewer rounds are no median.
MIN_ROUNDS, BUDGET_S = 3, 20.0
_MAX_ROUNDS = 50
_FRAMES_A_BLOCK = 3


@dataclass(frozen=True)
class Speed:
    """Milliseconds a frame (median of all timed frames, one frame a batch), and how many times as fast as `base`.

    `ratio` is the median over `rounds` of base's time by this engine's in the same round; `slowest`, `fastest` are the
    smallest and the largest of these ratios. `base`: engine and precision, the fastest FP32 of this run.
    """

    milliseconds: float
    ratio: float
    slowest: float
    fastest: float
    base: Key
    rounds: int


def race(
    engines: Mapping[Key, Classifier],
    frames: Frames,
    progress: Progress = lambda done, rounds: None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[Key, Speed]:
    """Time `engines`, at least one of them in fp32, on `frames` (N x H x W x 3, uint8, BGR; N at least 1), in turns.

    ROUNDS at least, and more until ENOUGH_S seconds are over; after BUDGET_S seconds it stops, if MIN_ROUNDS are done.
    Raises BackendError when an engine fails.
    """
    singles = [frames[place % len(frames)][np.newaxis] for place in range(_FRAMES_A_BLOCK)]
    seconds: dict[Key, list[list[float]]] = {key: [] for key in engines}
    started = clock()
    for done in range(1, _MAX_ROUNDS + 1):
        for key, engine in engines.items():
            seconds[key].append(_block(engine, singles, clock))
        progress(done, max(done, ROUNDS))
        if _enough(done, clock() - started):
            break
    base = _fastest_fp32(seconds)
    return {key: _speed(blocks, seconds[base], base) for key, blocks in seconds.items()}


def _enough(rounds: int, elapsed_s: float) -> bool:
    return (rounds >= ROUNDS and elapsed_s > ENOUGH_S) or (rounds >= MIN_ROUNDS and elapsed_s > BUDGET_S)


def _block(engine: Classifier, singles: Sequence[Frames], clock: Callable[[], float]) -> list[float]:
    """Seconds of each frame, after one that is not counted: the threads of the engine before still spin for a while."""
    engine.infer(singles[-1])
    seconds = []
    for frame in singles:
        start = clock()
        engine.infer(frame)
        seconds.append(clock() - start)
    return seconds


def _fastest_fp32(seconds: Mapping[Key, Sequence[Sequence[float]]]) -> Key:
    return min((key for key in seconds if key[1] == "fp32"), key=lambda key: median(np.concatenate(seconds[key])))


def _speed(blocks: Sequence[Sequence[float]], base_blocks: Sequence[Sequence[float]], base: Key) -> Speed:
    ratios = [median(theirs) / median(own) for own, theirs in zip(blocks, base_blocks, strict=True)]
    milliseconds = 1000 * float(median(np.concatenate(blocks)))
    return Speed(milliseconds, median(ratios), min(ratios), max(ratios), base, len(blocks))
