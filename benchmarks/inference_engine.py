"""One configuration of benchmarks.inference in a process of its own: python -m benchmarks.inference_engine TASK

TASK is a JSON object (see Task, or {"products": threads}); prints one with the milliseconds of each batch and how many
came in a second, or the rates.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from edge_resnet.bundle import Bundle
from runtime.backends import open_backend
from runtime.backends.base import Hint

_WARM_UP = 3
_LEAST_CALLS = 5
_PRODUCT_S = 1.0


@dataclass(frozen=True)
class Task:
    """What is opened and timed: `threads` 0 for the engine's own choice; for `seconds`, after a warm-up."""

    bundle: str
    backend: str
    precision: str
    batch: int
    threads: int
    box: str
    seconds: float

    @property
    def hint(self) -> Hint:
        """As the stream opens it: frames one by one as soon as possible, batches as many a second as possible."""
        return "latency" if self.batch == 1 else "throughput"


@dataclass(frozen=True)
class Timed:
    """`ms`: of each call, of all threads. `per_s`: calls a second, of all threads together."""

    ms: list[float]
    per_s: float


def side_by_side(call: Callable[[], object], seconds: float, requests: int) -> Timed:
    """So many `requests` at a time, each of a thread that makes one after the other; each is timed by itself."""
    with ThreadPoolExecutor(requests) as threads:
        taken = [each.result() for each in [threads.submit(milliseconds, call, seconds) for _ in range(requests)]]
    return Timed([each for ms in taken for each in ms], sum(1000.0 * len(ms) / sum(ms) for ms in taken))


def milliseconds(call: Callable[[], object], seconds: float) -> list[float]:
    """Of each call, after a warm-up, until so many seconds are over."""
    for _ in range(_WARM_UP):
        call()
    taken: list[float] = []
    started = time.perf_counter()
    while time.perf_counter() - started < seconds or len(taken) < _LEAST_CALLS:
        begun = time.perf_counter()
        call()
        taken.append(1000.0 * (time.perf_counter() - begun))
    return taken


def timed(task: Task) -> dict[str, object]:
    """The milliseconds of each batch, with as many under way as the engine takes requests, and what really ran."""
    bundle = Bundle.open(Path(task.bundle))
    side = bundle.model.input
    frames = np.random.default_rng(0).integers(0, 256, (task.batch, side.height, side.width, 3), np.uint8)
    with open_backend(
        task.backend, bundle, task.precision, threads=task.threads, hint=task.hint, box=Path(task.box)
    ) as backend:
        found = side_by_side(lambda: backend.infer(frames), task.seconds, backend.requests)
        return {**asdict(found), "requests": backend.requests, "runs": asdict(backend.describe())}


def rates(threads: int) -> dict[str, float]:
    """Of matrix products, in GMAC a second, by precision: the best engine's best."""
    # Loading onnx would count as memory of the engines.
    from benchmarks import multiplications

    return {
        kind: max(
            1000.0 * multiplications.GMAC / min(milliseconds(product, _PRODUCT_S))
            for product in multiplications.products(kind, threads)
        )
        for kind in multiplications.kinds()
    }


def main() -> None:
    """Measure and print."""
    asked = json.loads(sys.argv[1])
    print(json.dumps(rates(asked["products"]) if "products" in asked else timed(Task(**asked))))


if __name__ == "__main__":
    main()
