"""The processor's time of the watch by stage, for Prometheus: put together when somebody asks, at most once a second.

demux, decode, scale   what the cameras' reading threads booked (runtime/cameras/reader.py), and FFmpeg's own decoders
inference              the thread of the engine, and the threads that libraries made for themselves: the engine's pools,
                       but also OpenCV's; left out where the system does not tell the time of single threads
rest                   what else the process took
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.metrics_core import CounterMetricFamily
from prometheus_client.registry import Collector

from runtime.cameras.reader import STAGES

DECODE, INFERENCE, REST = "decode", "inference", "rest"
_TASKS = Path("/proc/self/task")
# So many threads are that each reading takes milliseconds.
_EVERY_S = 1.0
# What runtime/inference.py calls its thread.
_ENGINES_THREAD = "inference"
# What FFmpeg calls the threads on which a file is decoded; a live stream is decoded by its reading thread.
_DECODERS_THREAD = ":df"
# proc(5): positions in stat after the name, which may hold anything.
_UTIME, _STIME, _STARTTIME = 11, 12, 19


def _python() -> dict[int, str]:
    """The names of Python's own threads, by their numbers."""
    return {each.native_id: each.name for each in threading.enumerate() if each.native_id is not None}


@dataclass(frozen=True)
class _Thread:
    """A thread as the system sees it. `began`: so that it is not taken for a later one of the same number."""

    number: int
    began: str
    name: str
    cpu_s: float


@dataclass
class Threads:
    """Adds up the time of the engine's and FFmpeg's threads, also of those that have ended since they were last seen.

    `tasks`: a folder for each thread, as Linux has it. `python`: see there.
    """

    tasks: Path = _TASKS
    python: Callable[[], Mapping[int, str]] = _python
    # By number and beginning: the stage, and the seconds when it was last seen.
    _seen: dict[tuple[int, str], tuple[str, float]] = field(default_factory=dict, init=False)
    _ended_s: dict[str, float] = field(default_factory=dict, init=False)

    def spent_s(self) -> dict[str, float]:
        """Seconds of decoding and inference. Raises OSError, ValueError, IndexError where the system does not tell."""
        # Asked for twice: one of Python's that begins or ends meanwhile must not be taken for a library's.
        before = self.python()
        found = _found(self.tasks)
        python = {**before, **self.python()}
        seen = {}
        for thread in found:
            key = thread.number, thread.began
            known = self._seen.pop(key, None)
            seen[key] = _stage(thread, python, None if known is None else known[0]), thread.cpu_s
        ended = _by_stage(self._seen.values())
        self._ended_s = {stage: self._ended_s.get(stage, 0.0) + ended[stage] for stage in ended}
        self._seen = seen
        return {stage: self._ended_s[stage] + seconds for stage, seconds in _by_stage(seen.values()).items()}


class CpuTime(Collector):
    """The counter `edge_resnet_cpu_seconds_total` by stage, which never goes back.

    The main thread books what cameras took; any thread may ask.
    """

    def __init__(
        self,
        threads: Threads | None = None,
        process_s: Callable[[], float] = time.process_time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`process_s`: the time of all threads of the process, in seconds."""
        self._threads = threads or Threads()
        self._process_s, self._clock = process_s, clock
        # Of those who ask: the main thread, which alone books, never waits for them.
        self._lock = threading.Lock()
        # By camera and stage, where what was booked last stands.
        self._totals: dict[str, Mapping[str, float]] = {}
        self._booked_s = dict.fromkeys(STAGES, 0.0)
        self._told: dict[str, float] = {}
        self._told_at_s = float("-inf")

    def book(self, camera: str, cpu_s: Mapping[str, float]) -> None:
        """The reading threads of a camera have taken so much by now, by stage, since it was opened."""
        before = self._totals.get(camera, {})
        for stage, total_s in cpu_s.items():
            begun_s = before.get(stage, 0.0)
            self._booked_s[stage] += total_s - begun_s if total_s >= begun_s else total_s
        self._totals[camera] = cpu_s

    def forget(self, camera: str) -> None:
        """A camera is not watched any more: what it took stays counted, and if it comes back it begins at 0."""
        self._totals.pop(camera, None)

    def collect(self) -> Iterable[CounterMetricFamily]:
        meaning = "The processor's time that the watch took, by stage."
        family = CounterMetricFamily("edge_resnet_cpu_seconds", meaning, labels=["stage"])
        for stage, seconds in self.spent_s().items():
            family.add_metric([stage], seconds)
        yield family

    def spent_s(self) -> dict[str, float]:
        """Seconds by stage since the start."""
        with self._lock:
            now_s = self._clock()
            if now_s - self._told_at_s >= _EVERY_S:
                self._told_at_s = now_s
                for stage, seconds in self._measured().items():
                    # What is booked a moment late was in the rest until then, which may neither take it back nor
                    # fall below 0.
                    self._told[stage] = max(seconds, self._told.get(stage, 0.0))
            return dict(self._told)

    def _measured(self) -> dict[str, float]:
        spent_s = dict(self._booked_s)
        try:
            for stage, seconds in self._threads.spent_s().items():
                spent_s[stage] = spent_s.get(stage, 0.0) + seconds
        except (OSError, ValueError, IndexError):
            # No Linux, or one that hides it.
            pass
        # Asked for last, so that the others are of no later time.
        spent_s[REST] = self._process_s() - sum(spent_s.values())
        return spent_s


def _by_stage(threads: Iterable[tuple[str, float]]) -> dict[str, float]:
    """The sums of the seconds of decoding and of inference."""
    of = list(threads)
    return {stage: sum(cpu_s for each, cpu_s in of if each == stage) for stage in (DECODE, INFERENCE)}


def _stage(thread: _Thread, python: Mapping[int, str], before: str | None) -> str:
    """What a thread works for; `before`: when it was seen before."""
    if thread.number in python:
        return INFERENCE if python[thread.number] == _ENGINES_THREAD else REST
    if before == REST:
        # One of Python's that is about to end is not in its list any more.
        return REST
    return DECODE if _DECODERS_THREAD in thread.name else INFERENCE


def _found(tasks: Path) -> list[_Thread]:
    """The threads of this process."""
    ticks_a_second = os.sysconf("SC_CLK_TCK")
    found = []
    for folder in tasks.iterdir():
        try:
            stat = (folder / "stat").read_text(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            # It has just ended.
            continue
        name, _, rest = stat.partition("(")[2].rpartition(")")
        fields = rest.split()
        ticks = int(fields[_UTIME]) + int(fields[_STIME])
        found.append(_Thread(int(folder.name), fields[_STARTTIME], name, ticks / ticks_a_second))
    return found
