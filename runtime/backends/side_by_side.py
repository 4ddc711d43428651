"""All requests of an engine at work at once, as when many cameras are watched: for measuring."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from edge_resnet.classifier import Classifier
from runtime.backends.base import Frames


@contextmanager
def all_requests(
    classifier: Classifier, requests: int, clock: Callable[[], float] = time.perf_counter
) -> Iterator[Callable[[Frames], float]]:
    """A call that gives each of so many `requests` the same batch; the seconds until all of them are answered.

    It raises what `infer` does.
    """
    with ThreadPoolExecutor(requests) as threads:

        def seconds(batch: Frames) -> float:
            begun = clock()
            for _ in threads.map(classifier.infer, [batch] * requests):
                pass
            return clock() - begun

        yield seconds
