"""The backend on a thread of its own: one that raises, gives what is no number, or hangs is replaced.

A first failure may be chance: the same engine is opened again. One that fails again within ten minutes is left out for
an hour, and the next engine whose golden replay holds takes over. When none is left, all are tried again, ever more
rarely; cameras are not looked at meanwhile, which the ledger tells.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from edge_resnet.classifier import Scores
from runtime.backends import Backend, Description
from runtime.cameras.backoff import Backoff
from runtime.trust import Engine

# Opens the engine to use, leaving out those given (backend, precision). Raises BackendError.
OpenBackend = Callable[[frozenset[Engine]], Backend]
Inputs = npt.NDArray[np.uint8]

# A batch of 8 on the slowest box that is worth the name takes under two seconds.
HANGS_AFTER_S = 15.0
# Building a TensorRT engine takes minutes.
OPENS_WITHIN_S = 1800.0
_PROBATION_S = 600.0
_BANNED_FOR_S = 3600.0


@dataclass(frozen=True)
class Answer:
    """Scores of a batch, and the seconds that they took."""

    scores: Scores
    seconds: float


@dataclass(frozen=True)
class Failure:
    """The engine failed at a batch, in one line why. `final`: none could be opened; it is tried again later."""

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


class _Worker(threading.Thread):
    """Runs one backend: opens it if it is not yet open, then answers one batch at a time, until told to end."""

    def __init__(self, work: Callable[[], Backend], tell: Callable[[_Worker, object], None]) -> None:
        super().__init__(name="inference", daemon=True)
        self.backend: Backend | None = None
        self._open = work
        self._tell = tell
        self._jobs = threading.Condition()
        self._job: Inputs | None = None
        self._ending = False

    def give(self, frames: Inputs) -> None:
        with self._jobs:
            self._job = frames
            self._jobs.notify()

    def end(self) -> None:
        with self._jobs:
            self._ending = True
            self._jobs.notify()

    def run(self) -> None:
        try:
            self.backend = self._open()
        except Exception as error:
            self._tell(self, error)
            return
        try:
            self._tell(self, self.backend)
            while (frames := self._next()) is not None:
                self._tell(self, self._answer(self.backend, frames))
        finally:
            self.backend.close()

    def _next(self) -> Inputs | None:
        with self._jobs:
            while self._job is None and not self._ending:
                self._jobs.wait()
            frames, self._job = self._job, None
            return None if self._ending else frames

    @staticmethod
    def _answer(backend: Backend, frames: Inputs) -> object:
        start_s = time.perf_counter()
        try:
            scores = backend.infer(frames)
        except Exception as error:
            return error
        if not (np.isfinite(scores.logits).all() and np.isfinite(scores.cam).all()):
            # Compared with a threshold, NaN is simply "no alarm": a broken engine would watch in silence for ever.
            return ValueError("its logits are no numbers")
        return Answer(scores, time.perf_counter() - start_s)


class Inference:
    """Answers batches, one at a time, and keeps an engine open. The main thread calls it; nothing here blocks."""

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
        self._told: object = None
        self._since_s = 0.0
        self._open_at_s = 0.0
        self.description: Description | None = None
        self.busy = False

    def start(self) -> None:
        """Begin to open the engine to use."""
        self._begin()

    @property
    def ready(self) -> bool:
        """Whether a batch may be given."""
        return self.description is not None and not self.busy

    @property
    def opening(self) -> bool:
        """Whether an engine is being opened."""
        return self._worker is not None and self.description is None

    def submit(self, frames: Inputs) -> None:
        """Classify `frames`: N x height x width x 3, uint8, BGR. Only when `ready`."""
        assert self._worker is not None
        self.busy, self._since_s = True, self._clock()
        self._worker.give(frames)

    def poll(self) -> Answer | Failure | Description | None:
        """What has happened: an answer, a failure, or an engine that is ready now; None for nothing new."""
        with self._lock:
            told, self._told = self._told, None
        now_s = self._clock()
        if told is None:
            return self._overdue(now_s)
        if isinstance(told, Answer):
            self.busy = False
            return told
        if isinstance(told, Backend):
            self.description = told.describe()
            return self.description
        return self._failed(str(told) or type(told).__name__, now_s)

    def close(self, patience_s: float = 5.0) -> None:
        """End. An engine that hangs is left behind: its thread is a daemon."""
        if self._worker is not None:
            self._worker.end()
            if self._worker.is_alive() and not self.opening:
                self._worker.join(patience_s)

    def _overdue(self, now_s: float) -> Failure | None:
        """Notice one that hangs; begin anew when it is time."""
        if self._worker is None:
            if now_s >= self._open_at_s:
                self._begin()
            return None
        limit_s = OPENS_WITHIN_S if self.description is None else self._hangs_after_s
        if (self.busy or self.description is None) and now_s - self._since_s > limit_s:
            return self._failed(f"no answer for {now_s - self._since_s:.0f} s", now_s)
        return None

    def _failed(self, why: str, now_s: float) -> Failure:
        running = self.description
        engine = (running.backend, running.precision) if running else ("", "")
        worker, self._worker = self._worker, None
        self.description, self.busy = None, False
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
            self._told = told
        self._bell.set()
