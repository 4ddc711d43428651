"""Which engine to trust on this box: one whose golden replay gives the reference's answers, and the fastest of them.

An engine is trusted only after it replayed the bundle's golden frames here. What was found is remembered in box/, under
a key of everything that could change it, so that the next start measures nothing. Distrust is never remembered.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge_resnet import files
from edge_resnet.bundle import GOLDEN, Bundle, Golden
from edge_resnet.errors import BackendError, BundleError, UserError
from edge_resnet.hardware import cpu_name
from edge_resnet.verdict import GATES, judge
from runtime.backends import Backend, installed, open_backend, precisions, variant
from runtime.backends.base import Hint, Log
from runtime.backends.registry import require, version

# A backend and a precision.
Engine = tuple[str, str]

VERIFIED = "verified.json"
AUTO = "auto"

_REPLAY_BATCH = 8
_WARM_UP_RUNS = 3
_TIMED_RUNS = 15
_MAX_FILE_BYTES = 1 << 20
# The reference, for comparisons: never a candidate of `auto`.
_NOT_AUTOMATIC = frozenset({"torch"})


@dataclass(frozen=True)
class _Record:
    """What was measured of one engine in one precision: the time of one frame, and what really ran."""

    milliseconds: float
    description: dict[str, Any]

    @property
    def emulated(self) -> bool:
        return bool(self.description.get("emulated"))


@dataclass(frozen=True, order=True)
class _Candidate:
    """An engine in a precision on a device; `threads` and `hint` as in runtime.backends.base.Opening."""

    backend: str
    precision: str
    device: str
    threads: int
    hint: Hint

    def open(self, bundle: Bundle, box: Path, log: Log) -> Backend:
        return open_backend(
            self.backend,
            bundle,
            self.precision,
            self.device,
            threads=self.threads,
            hint=self.hint,
            box=box,
            log=log,
        )

    def key(self, bundle: Bundle) -> str:
        """A hash over everything known that a record of this candidate depends on."""
        model = bundle.model_sha256(variant(self.backend, self.precision, self.device))
        parts = [self.backend, version(self.backend), self.precision, self.device, cpu_name()]
        parts += [str(self.threads), self.hint, model, bundle.manifest.files[GOLDEN].sha256]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def choose(
    bundle: Bundle,
    backend: str = AUTO,
    precision: str = AUTO,
    device: str = AUTO,
    *,
    threads: int = 0,
    hint: Hint = "latency",
    box: Path | None = None,
    without: frozenset[Engine] = frozenset(),
    log: Log = lambda line: None,
) -> Backend:
    """Open the engine to use: the one named, or the fastest on one frame, of those whose golden replay holds.

    `without`: engines that are left out, because they failed in use. `threads` (0 for the engine's own choice) and
    `hint` reach every engine that is tried. Engines that were not verified on this box are replayed and timed first,
    and remembered in `box` (the bundle's box/ by default).
    Precisions that the device only emulates are left out unless `precision` names one. `log` is told, in lines, what is
    measured and what is refused. Raises UserError for a name that no engine or precision has, BackendError when nothing
    that was asked for can be trusted, BundleError when the bundle lacks what was asked for or changed.
    """
    golden = bundle.golden()
    box = bundle.box if box is None else box
    memory = _Memory(box / VERIFIED, log)
    timed: list[tuple[float, _Candidate]] = []
    refused: list[str] = []
    candidates = _candidates(bundle, backend, precision, device)
    for number, (name, each) in enumerate(candidates, 1):
        if (name, each) in without:
            refused.append(f"{name} {each} has failed in use")
            continue
        candidate = _Candidate(name, each, device, threads, hint)
        try:
            key = candidate.key(bundle)
            record = memory.get(key)
            if record is None:
                if len(candidates) > 1:
                    log(f"choosing an engine, {number} of {len(candidates)}: {name} {each}")
                with candidate.open(bundle, box, log) as opened:
                    record = memory.put(key, _verify(opened, golden, log))
        except BackendError as error:
            if str(error) not in refused:  # without a driver, every precision says the same
                refused.append(str(error))
                log(f"not used: {error}")
            continue
        if precision != AUTO or not record.emulated:
            timed.append((record.milliseconds, candidate))
    for _milliseconds, candidate in sorted(timed):
        try:
            return _open_verified(bundle, candidate, golden, memory, box, log)
        except BackendError as error:
            refused.append(str(error))
            log(f"not used: {error}")
    raise BackendError(f"no engine can be trusted with {bundle.folder}: {'; '.join(refused) or 'all are emulations'}")


def check(bundle: Bundle, backend: str, precision: str, device: str) -> None:
    """Raises what `choose` does for names that cannot be had here, or with this bundle; opens nothing."""
    _candidates(bundle, backend, precision, device)


def automatic() -> list[str]:
    """The names of the engines that `auto` chooses from on this box."""
    return [name for name in installed() if name not in _NOT_AUTOMATIC]


def _candidates(bundle: Bundle, backend: str, precision: str, device: str) -> list[tuple[str, str]]:
    """The engines and precisions to try."""
    if precision not in (AUTO, *GATES):
        raise UserError(f"--precision {precision}: unknown; there are {', '.join((AUTO, *GATES))}")
    names = automatic() if backend == AUTO else [backend]
    if backend != AUTO:
        require(backend)
    if precision != AUTO and backend != AUTO:
        bundle.model_sha256(variant(backend, precision, device))  # refused here if the bundle has no such model
        return [(backend, precision)]
    candidates = [(name, each) for name in names for each in precisions(name, bundle, device)]
    if precision == AUTO:
        return candidates
    named = [(name, each) for name, each in candidates if each == precision]
    if not named:
        there = ", ".join(bundle.variants)
        raise BundleError(f"{bundle.folder}: no engine here runs {precision} (the bundle has {there}); export it")
    return named


def _open_verified(
    bundle: Bundle, candidate: _Candidate, golden: Golden, memory: _Memory, box: Path, log: Log
) -> Backend:
    """Open what was verified; verify it again when something that no key names has changed (a graphics card, say)."""
    opened = candidate.open(bundle, box, log)
    key = candidate.key(bundle)
    if not memory.describes(key, opened):
        try:
            memory.put(key, _verify(opened, golden, log))
        except BackendError:
            opened.close()
            raise
    return opened


def _verify(opened: Backend, golden: Golden, log: Log) -> _Record:
    """Replay the golden frames and time one frame. Raises BackendError when the answers are not the reference's."""
    starts = range(0, len(golden.frames), _REPLAY_BATCH)
    scores = [opened.infer(golden.frames[start : start + _REPLAY_BATCH]) for start in starts]
    logits = np.concatenate([score.logits for score in scores])
    means = np.concatenate([score.cam.mean(axis=(2, 3)) for score in scores])
    description = opened.describe()
    name = f"{description.backend} {description.precision}"
    verdict = judge(description.precision, golden.logits, logits, map_means=means)
    if not verdict.passed:
        raise BackendError(f"{name}: its answers are not the trained model's ({'; '.join(verdict.failures)})")
    milliseconds = _time_of_one(opened, golden)
    note = f" ({description.note})" if description.note else ""
    log(f"{name}: golden replay holds, {milliseconds:.1f} ms a frame{note}")
    return _Record(milliseconds, asdict(description))


def _time_of_one(opened: Backend, golden: Golden) -> float:
    """Milliseconds for one frame: the median of timed runs after a warm-up."""
    frame = golden.frames[:1]
    for _run in range(_WARM_UP_RUNS):
        opened.infer(frame)
    seconds = []
    for _run in range(_TIMED_RUNS):
        start = time.perf_counter()
        opened.infer(frame)
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds)


class _Memory:
    """verified.json: records by key. What cannot be read counts as empty, what cannot be written is told and lost."""

    def __init__(self, path: Path, log: Log) -> None:
        self._path = path
        self._log = log
        self._records = _read_records(path)

    def get(self, key: str) -> _Record | None:
        return self._records.get(key)

    def put(self, key: str, record: _Record) -> _Record:
        self._records[key] = record
        self._write()
        return record

    def describes(self, key: str, opened: Backend) -> bool:
        """Whether what was opened is what was measured."""
        return self._records[key].description == asdict(opened.describe())

    def _write(self) -> None:
        try:
            files.write_json(self._path, {key: asdict(record) for key, record in self._records.items()})
        except OSError as error:
            self._log(f"{self._path}: cannot be written ({error.strerror}); the next start will measure again")


def _read_records(path: Path) -> dict[str, _Record]:
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            return {}
        content = json.loads(path.read_bytes(), parse_constant=_refuse_constant)
        return {
            str(key): _Record(float(value["milliseconds"]), dict(value["description"]))
            for key, value in content.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no time")
