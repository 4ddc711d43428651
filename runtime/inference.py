"""The backend on threads of its own, one a request: one that raises, gives what is no number, or hangs is replaced.

A first failure may be chance: the same engine is opened again. One that fails again within ten minutes is left out for
an hour, and the next engine whose golden replay holds takes over. When none is left, all are tried again, ever more
rarely; cameras are not looked at meanwhile, which the ledger tells.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import numpy.typing as npt

from edge_resnet.classifier import Scores
from runtime.backends import Backend, Description
from runtime.cameras.backoff import Backoff
from runtime.trust import Engine

# Opens the engine to use, leaving out those given (backend, precision). Raises BackendError.
OpenBackend = Callable[[frozenset[Engine]], Backend]
Inputs = npt.NDArray[np.uint8]

# How the threads are called that an engine is run on (runtime/service/cpu.py counts their time by it).
_THREAD = "inference"
# A batch of 8 on the slowest box that is worth the name takes under two seconds.
HANGS_AFTER_S = 15.0
# Building a TensorRT engine takes minutes.
OPENS_WITHIN_S = 1800.0
_PROBATION_S = 600.0
_BANNED_FOR_S = 3600.0


@dataclass(frozen=True)
class Answer:
    """Scores of the batch with such a number, and the seconds that they took."""

    number: int
    scores: Scores
    seconds: float


@dataclass(frozen=True)
class Failure:
    """The engine failed, in one line why: no batch that is under way will be answered.

    `final`: none could be opened; it is tried again later.
    """

    engine: Engine
    why: str
    final: bool = False


@dataclass
class Record:
    """Which engines failed, and when; see the module for what follows."""

    _failed_at_s: dict[Engine, float] = field(default_factory=dict)
    _banned_at_s: dict[Engine, float] = field(default_factory=dict)

    def failed(self, engine: Engine, now_s: float) -> None:
        """An engine failed."""
        if now_s - self._failed_at_s.get(engine, float("-inf")) <= _PROBATION_S:
            self._banned_at_s[engine] = now_s
        self._failed_at_s[engine] = now_s

    def banned(self, now_s: float) -> frozenset[Engine]:
        """The engines that are left out."""
        return frozenset(engine for engine, at_s in self._banned_at_s.items() if now_s - at_s <= _BANNED_FOR_S)

    def forgive(self) -> None:
        """Nothing is left: all may be tried again."""
        self._banned_at_s.clear()


@dataclass(frozen=True)
class _Job:
    """A batch to be classified, and its number."""

    number: int
    frames: Inputs


class _Worker:
    """Runs one backend: opens it, then answers as many batches at a time as it has requests, until told to end."""

    def __init__(self, work: Callable[[], Backend], tell: Callable[[_Worker, object], None]) -> None:
        self._open, self._tell = work, tell
        self._jobs = threading.Condition()
        self._waiting: deque[_Job] = deque()
        self._ending = False
        self._threads = [self._thread(self._begin)]

    def start(self) -> None:
        """Begin to open the backend."""
        self._threads[0].start()

    def give(self, job: _Job) -> None:
        """Leave a batch for the next request that is free."""
        with self._jobs:
            self._waiting.append(job)
            self._jobs.notify()

    def end(self) -> None:
        """Ask the threads to end. Returns at once."""
        with self._jobs:
            self._ending = True
            self._jobs.notify_all()

    def join(self, patience_s: float) -> None:
        """Wait for the threads to end, so long."""
        until_s = time.monotonic() + patience_s
        for thread in list(self._threads):
            thread.join(max(0.0, until_s - time.monotonic()))

    @staticmethod
    def _thread(target: Callable[..., None], *arguments: object) -> threading.Thread:
        return threading.Thread(target=target, args=arguments, name=_THREAD, daemon=True)

    def _begin(self) -> None:
        try:
            with closing(self._open()) as backend:
                self._run(backend)
        except Exception as error:
            self._tell(self, error)

    def _run(self, backend: Backend) -> None:
        """A thread a request, of which this is one. Raises RuntimeError where the box has no more threads."""
        others = [self._thread(self._answer_all, backend) for _ in range(1, backend.requests)]
        for thread in others:
            thread.start()
        self._threads += others
        self._tell(self, backend)
        self._answer_all(backend)
        for thread in others:
            thread.join()

    def _answer_all(self, backend: Backend) -> None:
        while (job := self._next()) is not None:
            self._tell(self, self._answer(backend, job))

    def _next(self) -> _Job | None:
        with self._jobs:
            while not self._waiting and not self._ending:
                self._jobs.wait()
            return None if self._ending else self._waiting.popleft()

    @staticmethod
    def _answer(backend: Backend, job: _Job) -> object:
        start_s = time.perf_counter()
        try:
            scores = backend.infer(job.frames)
        except Exception as error:
            return error
        if not (np.isfinite(scores.logits).all() and np.isfinite(scores.cam).all()):
            # Compared with a threshold, NaN is simply "no alarm": a broken engine would watch in silence for ever.
            return ValueError("its logits are no numbers")
        return Answer(job.number, scores, time.perf_counter() - start_s)


class Inference:
    """Answers batches, each as soon as the engine has a request for it, and keeps an engine open.

    The main thread calls it; nothing here blocks.
    """

    def __init__(
        self,
        open: OpenBackend,
        bell: threading.Event,
        *,
        hangs_after_s: float = HANGS_AFTER_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`bell` is set when there is an answer. Nothing runs before `start`."""
        self._open, self._bell, self._clock = open, bell, clock
        self._hangs_after_s = hangs_after_s
        self._record = Record()
        self._backoff = Backoff()
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._told: deque[object] = deque()
        # Since when an engine is being opened; and each batch under way, by its number.
        self._since_s = 0.0
        self._under_way: dict[int, float] = {}
        self._numbers = count()
        # How many batches the engine takes at a time.
        self.requests = 1
        # For how long it has worked so far, in seconds: with some of its requests in part.
        self.worked_s = 0.0
        self._open_at_s = 0.0
        self.description: Description | None = None

    def start(self) -> None:
        """Begin to open the engine to use."""
        self._begin()

    @property
    def free(self) -> int:
        """How many batches may be given now."""
        return 0 if self.description is None else self.requests - len(self._under_way)

    @property
    def busy(self) -> bool:
        """Whether a batch is under way."""
        return bool(self._under_way)

    @property
    def opening(self) -> bool:
        """Whether an engine is being opened."""
        return self._worker is not None and self.description is None

    def submit(self, frames: Inputs) -> int:
        """Classify `frames`: N x height x width x 3, uint8, BGR. Only when some are `free`. The number of the batch."""
        assert self._worker is not None
        number = next(self._numbers)
        self._under_way[number] = self._clock()
        self._worker.give(_Job(number, frames))
        return number

    def poll(self) -> Answer | Failure | Description | None:
        """What has happened next: an answer, a failure, or an engine that is ready now; None for nothing new."""
        with self._lock:
            told = self._told.popleft() if self._told else None
        now_s = self._clock()
        if told is None:
            return self._overdue(now_s)
        if isinstance(told, Answer):
            del self._under_way[told.number]
            self.worked_s += told.seconds / self.requests
            return told
        if isinstance(told, Backend):
            self.description, self.requests = told.describe(), told.requests
            return self.description
        return self._failed(str(told) or type(told).__name__, now_s)

    def close(self, patience_s: float = 5.0) -> None:
        """End. An engine that hangs is left behind: its thread is a daemon."""
        if self._worker is not None:
            self._worker.end()
            if not self.opening:
                self._worker.join(patience_s)

    def _overdue(self, now_s: float) -> Failure | None:
        """Notice one that hangs; begin anew when it is time."""
        if self._worker is None:
            if now_s >= self._open_at_s:
                self._begin()
            return None
        opening = self.description is None
        since_s = self._since_s if opening else min(self._under_way.values(), default=now_s)
        if now_s - since_s > (OPENS_WITHIN_S if opening else self._hangs_after_s):
            return self._failed(f"no answer for {now_s - since_s:.0f} s", now_s)
        return None

    def _failed(self, why: str, now_s: float) -> Failure:
        running = self.description
        engine = (running.backend, running.precision) if running else ("", "")
        with self._lock:
            # What its other requests have told meanwhile is of batches that are given up.
            worker, self._worker = self._worker, None
            self._told.clear()
        self.description = None
        self._under_way.clear()
        if worker is not None:
            worker.end()
        if running is not None:
            self._backoff.succeeded()
            self._record.failed(engine, now_s)
            self._begin()
        else:
            # None could be opened. All of them may be tried again, but not at once.
            self._record.forgive()
            self._open_at_s = now_s + self._backoff.failed(now_s)
        return Failure(engine, why, final=running is None)

    def _begin(self) -> None:
        banned = self._record.banned(self._clock())
        self._since_s = self._clock()
        self._worker = _Worker(lambda: self._open(banned), self._tell)
        self._worker.start()

    def _tell(self, worker: _Worker, told: object) -> None:
        with self._lock:
            if worker is not self._worker:
                return
            self._told.append(told)
        self._bell.set()
