"""The numbers that Prometheus collects of a watch, named by its conventions; docs/operations.md lists them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from runtime.attention import Reason, Rung
from runtime.cameras.sight import STATES
from runtime.service.cpu import CpuTime
from runtime.service.status import BoxStatus, CameraStatus

# Seconds. Fine where the promise lies (p99 of the age under 1 s), coarse up to where a frame is dropped anyway.
_AGE_BUCKETS_S = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
# Seconds a batch: from a GPU's millisecond to where the backend counts as hanging.
_INFERENCE_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0)
_BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_TASKS = Path("/proc/self/task")
RUNGS = tuple(rung.name.lower() for rung in Rung)
_REASONS = tuple(reason.name.lower() for reason in Reason)


class _Series:
    """Makes series in one registry, all with our prefix."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"edge_resnet_{name}", meaning, labels, registry=self._registry)

    def gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"edge_resnet_{name}", meaning, labels, registry=self._registry)

    def histogram(self, name: str, meaning: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(f"edge_resnet_{name}", meaning, labels, registry=self._registry, buckets=buckets)


class _OfCameras:
    """The series that each camera has."""

    def __init__(self, make: _Series) -> None:
        self.frames = make.counter("frames_received_total", "Frames that came from the camera.", "camera")
        self.classified = make.counter("frames_classified_total", "Frames that were classified.", "camera")
        self.dropped = make.counter(
            "frames_dropped_total", "Frames that were due and came to no answer, and why.", "camera", "reason"
        )
        self.reconnects = make.counter("reconnects_total", "Times the camera came back after it was lost.", "camera")
        self.state = make.gauge("camera_state", "1 for the state that the camera is in, else 0.", "camera", "state")
        self.attention = make.gauge(
            "camera_attention", "1 for the camera's rung of the ladder, else 0.", "camera", "rung"
        )
        self.woken = make.counter(
            "camera_woken_total", "Times the camera went up to be watched, and what for.", "camera", "reason"
        )
        self.watched = make.counter("watched_seconds_total", "Time in which the camera was truly watched.", "camera")
        self.blind = make.counter(
            "blind_seconds_total", "Time in which the camera was not watched, and why.", "camera", "reason"
        )
        self.wanted = make.gauge("looks_wanted_per_second", "Classifications a second that it wants.", "camera")
        self.given = make.gauge("looks_given_per_second", "Classifications a second that it gets now.", "camera")
        self.events = make.counter("events_total", "Alarms that were raised.", "camera", "alarm")
        self.age = make.histogram(
            "frame_age_seconds", "From a frame's capture to its answer.", _AGE_BUCKETS_S, "camera"
        )

    def remove(self, camera: str) -> None:
        series: Iterable[Counter | Gauge | Histogram] = vars(self).values()
        for each in series:
            each.remove_by_labels({"camera": camera})


class Metrics:
    """All series of one watch, in a registry of their own. Written by the main thread, read by the HTTP server's.

    `camera` is the name that a camera goes by everywhere. A reason must be one of a few fixed words: free text would
    make a new series of each message.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: seconds, for what is put together when somebody asks."""
        # One `_created` beside each counter and histogram would double the series, and nobody asks for them.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._cpu = CpuTime(clock=clock)
        self.registry.register(self._cpu)
        make = _Series(self.registry)
        make.gauge("threads", "Threads of the process, those of its libraries too.").set_function(_threads)
        self._cameras = _OfCameras(make)
        self._inference = make.histogram("inference_seconds", "Time that a batch took.", _INFERENCE_BUCKETS_S)
        self._batch = make.histogram("batch_size", "Frames in a batch.", _BATCH_BUCKETS)
        self._backend = make.gauge(
            "backend_info", "1 for the backend that runs; none while none does.", "backend", "precision", "device"
        )
        self._failures = make.counter(
            "backend_failures_total", "Times a backend failed, hung or could not be opened.", "backend"
        )
        self._overloaded = make.gauge("overloaded", "1 while cameras get fewer looks or places than they want, else 0.")
        self._pending = make.gauge("deliveries_pending", "Notices that a sink was not told yet.", "sink")
        self._dead = make.gauge("deliveries_dead", "Notices that a sink will not be told: dead letters.", "sink")
        # What the counters that follow the status stand at, by their labels, the camera first.
        self._totals: dict[tuple[Counter, tuple[str, ...]], float] = {}
        # The cameras that were told to be on a rung.
        self._climbing: set[str] = set()

    def update(self, status: BoxStatus) -> None:
        """How the watch stands now: what is counted elsewhere, as totals since the start of each camera."""
        for camera in status.cameras:
            self._update_camera(camera, bool(status.backend))
        self._overloaded.set(status.overloaded)
        for gauge in (self._pending, self._dead):
            gauge.clear()
        for name, waiting in status.sinks.items():
            self._pending.labels(name).set(waiting.pending)
            self._dead.labels(name).set(waiting.dead)

    def remove(self, camera: str) -> None:
        """A camera is not watched any more: it leaves no series behind."""
        self._cameras.remove(camera)
        self._cpu.forget(camera)
        self._climbing.discard(camera)
        self._totals = {key: total for key, total in self._totals.items() if key[1][0] != camera}

    def classified(self, camera: str, age_s: float) -> None:
        """A frame's answer came, `age_s` seconds after its capture."""
        self._cameras.classified.labels(camera).inc()
        self._cameras.age.labels(camera).observe(age_s)

    def state(self, camera: str, state: str) -> None:
        """A camera is in `state`, one of sight.STATES."""
        for each in STATES:
            self._cameras.state.labels(camera, each).set(each == state)

    def event(self, camera: str, alarm: str) -> None:
        """An alarm was raised."""
        self._cameras.events.labels(camera, alarm).inc()

    def batch(self, size: int, seconds: float) -> None:
        """The backend answered a batch."""
        self._batch.observe(size)
        self._inference.observe(seconds)

    def backend(self, name: str, precision: str, device: str) -> None:
        """This backend runs now, and no other."""
        self._backend.clear()
        self._backend.labels(name, precision, device).set(1)

    def backend_failed(self, name: str) -> None:
        """No backend runs any more: this one failed (or, with an empty name, none could be opened)."""
        self._backend.clear()
        self._failures.labels(name or "none").inc()

    def _update_camera(self, camera: CameraStatus, classifies: bool) -> None:
        name = camera.name
        # So that they exist from 0, and their rates are right from the start.
        self._cameras.classified.labels(name)
        self._cameras.age.labels(name)
        self.state(name, camera.state)
        if camera.attention:
            self._climbing.add(name)
        if name in self._climbing:
            for rung in RUNGS:
                # One without a ladder that had to come down for a while is watched again.
                self._cameras.attention.labels(name, rung).set(rung == (camera.attention or RUNGS[-1]))
            for reason in _REASONS:
                self._advance(self._cameras.woken, camera.woken.get(reason, 0), name, reason)
        self._cpu.book(name, camera.cpu_s)
        self._cameras.wanted.labels(name).set(camera.wanted_per_s)
        self._cameras.given.labels(name).set(camera.rate_per_s if classifies else 0.0)
        self._advance(self._cameras.frames, camera.frames, name)
        self._advance(self._cameras.reconnects, camera.reconnects, name)
        self._advance(self._cameras.watched, camera.watched_s, name)
        for reason, dropped in camera.dropped.items():
            self._advance(self._cameras.dropped, dropped, name, reason)
        for reason, seconds in camera.blind_s.items():
            self._advance(self._cameras.blind, seconds, name, reason)

    def _advance(self, counter: Counter, total: float, *labels: str) -> None:
        """Bring a counter up to a total, which begins at 0 again where a camera was changed and opened anew."""
        key = (counter, labels)
        before = self._totals.get(key, 0.0)
        counter.labels(*labels).inc(total - before if total >= before else total)
        self._totals[key] = total


def _threads() -> float:
    """Threads as the system counts them, FFmpeg's and the engine's too; only Python's own where it does not tell."""
    with suppress(OSError):
        return float(sum(1 for _ in _TASKS.iterdir()))
    return float(threading.active_count())
