"""The proof: the same frames through the reference and through every engine, and a verdict on each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edge_resnet.bundle import Bundle
from edge_resnet.classifier import Classifier
from edge_resnet.errors import BackendError, UserError
from edge_resnet.verdict import DEFAULT_MARGIN, Verdict, judge
from runtime.backends import NAMES, Description, find_run, installed, open_backend, precisions
from runtime.backends.registry import require

Frames = npt.NDArray[np.uint8]
# An array of all frames, or batches that may be decoded only when they are asked for.
FrameSource = Frames | Sequence[Frames]
# Told: what runs, pictures done, pictures in all.
Progress = Callable[[str, int, int], None]
RowVerdict = Literal["pass", "fail", "emulated", "unsupported", "not installed"]

_BATCH = 16
# About so many pictures go through a stand-in that computes in software.
_STAND_IN_PICTURES = 64


@dataclass(frozen=True)
class Reference:
    """What the engines are compared with: a classifier (the trained model of `run`), or None for the golden logits."""

    name: str
    classifier: Classifier | None = None
    run: Path | None = None


@dataclass(frozen=True)
class Row:
    """One engine in one precision. `result` and `description` are None where it did not run; `reason` says why."""

    backend: str
    precision: str
    verdict: RowVerdict
    reason: str = ""
    description: Description | None = None
    result: Verdict | None = None

    def to_json(self) -> dict[str, Any]:
        """The row as types of JSON, its figures beside its names."""
        return {
            "backend": self.backend,
            "precision": self.precision,
            "verdict": self.verdict,
            "reason": self.reason,
            "description": None if self.description is None else asdict(self.description),
            **({} if self.result is None else self.result.to_json()),
        }


@dataclass(frozen=True)
class Report:
    """All rows on the same `n` frames. It passes when no row fails and fp32 ran on at least one engine."""

    reference: str
    n: int
    rows: tuple[Row, ...]

    @property
    def passed(self) -> bool:
        verdicts = {(row.precision, row.verdict) for row in self.rows}
        return ("fp32", "pass") in verdicts and not any(verdict == "fail" for _precision, verdict in verdicts)

    @property
    def not_shown(self) -> tuple[str, ...]:
        """The precisions that no engine really ran here: their files are built, not run."""
        shown = {row.precision for row in self.rows if row.verdict == "pass"}
        return tuple(sorted({row.precision for row in self.rows} - shown))

    def to_json(self) -> dict[str, Any]:
        """The report as types of JSON."""
        return {
            "verdict": "pass" if self.passed else "fail",
            "reference": self.reference,
            "n": self.n,
            "not_shown": list(self.not_shown),
            "rows": [row.to_json() for row in self.rows],
        }


@contextmanager
def find_reference(bundle: Bundle, run: Path | None = None) -> Iterator[Reference]:
    """The trained model of `run`, else of the bundle's parent folder, on PyTorch; else the bundle's golden logits.

    Raises UserError when the model found is not the one that the bundle was made from, BackendError when `run` is named
    and PyTorch is not installed.
    """
    found = find_run(bundle, run)
    if found is None or (run is None and "torch" not in installed()):
        yield Reference("golden")
        return
    with open_backend("torch", bundle, run=found) as torch:
        yield Reference("torch", torch, found)


def parity(
    bundle: Bundle,
    reference: Reference,
    frames: FrameSource | None = None,
    labels: Sequence[int] | None = None,
    *,
    backends: Iterable[str] | None = None,
    margin: float = DEFAULT_MARGIN,
    progress: Progress | None = None,
) -> Report:
    """Compare every engine, in every precision of the bundle, with the reference on the same frames.

    `frames`: N x H x W x 3, uint8, BGR, of the network's input size, as one array or in batches; None for the golden
    frames. `labels`: N class indices, for accuracy. `backends`: names, else all; a named one must be installed.
    `margin`: the accuracy that may be lost, 0..1. Only logits are kept in memory, and one batch of maps.
    Raises UserError (no frames; no reference for these frames), BundleError, BackendError (a named engine is missing).
    """
    names = NAMES if backends is None else tuple(backends)
    for name in () if backends is None else names:
        require(name)
    batches, wanted = _reference_answers(bundle, reference, frames, progress)
    truth = None if labels is None else np.asarray(labels, np.int64)
    if truth is not None and len(truth) != len(wanted):
        raise ValueError(f"{len(truth)} labels for {len(wanted)} frames")
    rows = []
    for backend in names:
        for precision in precisions(backend, bundle):
            if backend == "torch" and (precision == "fp32" or reference.run is None):
                continue  # the reference itself, or no weights to run
            if backend not in installed():
                rows.append(Row(backend, precision, "not installed"))
                continue
            trial = _Trial(bundle, backend, precision, reference.run)
            rows.append(trial.row(batches, wanted, truth, margin, progress))
    return Report(reference.name, len(wanted), tuple(rows))


@dataclass(frozen=True)
class _Trial:
    """One engine in one precision, to be run on all batches."""

    bundle: Bundle
    backend: str
    precision: str
    run: Path | None

    def row(
        self,
        batches: Sequence[Frames],
        wanted: npt.NDArray[np.float32],
        labels: npt.NDArray[np.int64] | None,
        margin: float,
        progress: Progress | None,
    ) -> Row:
        try:
            # What was built here before (engines of TensorRT take minutes) is used; a proof leaves nothing of its own.
            box = self.bundle.box if self.bundle.box.is_dir() else None
            engine = open_backend(self.backend, self.bundle, self.precision, run=self.run, box=box)
        except BackendError as error:
            return Row(self.backend, self.precision, "unsupported", str(error))
        with engine:
            description = engine.describe()
            if self.backend == "torch" and description.emulated:
                batches, wanted, labels = _thinned(batches, wanted, labels)
            try:
                logits, means = _answers(engine, batches, f"{self.backend} {self.precision}", len(wanted), progress)
            except BackendError as error:
                return Row(self.backend, self.precision, "fail", str(error), description)
        result = judge(self.precision, wanted, logits, map_means=means, labels=labels, margin=margin)
        verdict, reason = _row_verdict(description, result)
        return Row(self.backend, self.precision, verdict, reason, description, result)


def _row_verdict(description: Description, result: Verdict) -> tuple[RowVerdict, str]:
    if not result.passed:
        return "fail", "; ".join(result.failures)
    if description.downgraded:
        return "fail", f"it silently ran {description.runs} though the device has {description.precision}"
    if description.emulated:
        return "emulated", description.note
    return "pass", ""


def _reference_answers(
    bundle: Bundle, reference: Reference, frames: FrameSource | None, progress: Progress | None
) -> tuple[Sequence[Frames], npt.NDArray[np.float32]]:
    """The frames in batches, and the reference's logits on them."""
    if reference.classifier is None:
        if frames is not None:
            raise UserError("other frames than the bundle's golden ones need the trained model: name it with --run")
        golden = bundle.golden()
        return _batches(golden.frames), golden.logits
    batches = _batches(bundle.golden().frames if frames is None else frames)
    total = sum(len(batch) for batch in batches) if isinstance(frames, np.ndarray) or frames is None else 0
    logits, _means = _answers(reference.classifier, batches, f"{reference.name} (reference)", total, progress)
    return batches, logits


def _thinned(
    batches: Sequence[Frames], wanted: npt.NDArray[np.float32], labels: npt.NDArray[np.int64] | None
) -> tuple[Sequence[Frames], npt.NDArray[np.float32], npt.NDArray[np.int64] | None]:
    """Every k-th batch: half precision in software is slow, and a stand-in for the numbers needs few pictures."""
    step = max(1, len(wanted) // _STAND_IN_PICTURES)
    starts = np.cumsum([0, *(len(batch) for batch in batches)])
    chosen = range(0, len(batches), step)
    rows = np.concatenate([np.arange(starts[index], starts[index + 1]) for index in chosen])
    return [batches[index] for index in chosen], wanted[rows], None if labels is None else labels[rows]


def _batches(frames: FrameSource) -> Sequence[Frames]:
    if not len(frames):
        raise UserError("no pictures to compare on; name a folder with pictures")
    if isinstance(frames, np.ndarray):
        return [frames[start : start + _BATCH] for start in range(0, len(frames), _BATCH)]
    return frames


def _answers(
    classifier: Classifier, batches: Sequence[Frames], what: str, total: int, progress: Progress | None
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """N x C logits, and N x C means of the map."""
    logits, means, done = [], [], 0
    for batch in batches:
        scores = classifier.infer(batch)
        logits.append(scores.logits)
        means.append(scores.cam.mean(axis=(2, 3), dtype=np.float64).astype(np.float32))
        done += len(batch)
        if progress is not None:
            progress(what, done, total)
    return np.concatenate(logits), np.concatenate(means)
