"""The proof: the same frames through the reference and through every engine, and a verdict on each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_resnet.bundle import Bundle
from edge_resnet.classifier import Classifier, Scores
from edge_resnet.errors import BackendError, UserError
from edge_resnet.verdict import DEFAULT_MARGIN, Verdict, judge
from export.parity.drift import Drift, measure
from export.parity.gallery import Collector, assemble
from export.parity.precision import PrecisionProof, of_engine
from export.parity.report import Report
from export.parity.row import ALL_PRECISIONS, Row, RowVerdict
from export.parity.speed import race
from runtime.backends import NAMES, Backend, Description, built_not_run, find_run, installed, open_backend, precisions
from runtime.backends.registry import require

__all__ = ["FrameSource", "Progress", "Reference", "Report", "Row", "find_reference", "parity"]

Frames = npt.NDArray[np.uint8]
Logits = npt.NDArray[np.float32]
# An array of all frames, or batches that may be decoded only when they are asked for.
FrameSource = Frames | Sequence[Frames]
# Told: what runs, pictures (or rounds) done, and in all.
Progress = Callable[[str, int, int], None]

_BATCH = 16
# About so many pictures go through a stand-in: its speed is not the device's, and its numbers need few.
_STAND_IN_PICTURES = 64


@dataclass(frozen=True)
class Reference:
    """What the engines are compared with: a classifier (the trained model of `run`), or None for the golden logits."""

    name: str
    classifier: Classifier | None = None
    run: Path | None = None


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
    speed: bool = False,
    gallery: bool = True,
    paths: Sequence[Path] = (),
    progress: Progress | None = None,
) -> Report:
    """Compare every engine, in every precision of the bundle, with the reference on the same frames.

    `frames`: N x H x W x 3, uint8, BGR, of the network's input size, as one array or in batches; None for the golden
    frames. `labels`: N class indices, for accuracy. `backends`: names, else all; a named one must be installed.
    `margin`: the accuracy that may be lost, 0..1. `speed`: time the engines that pass, too (see export.parity.speed).
    `gallery`: keep pictures that changed sides; not where the report's reader may not see them. `paths`: the pictures'
    files, N or none, for their names and for the drift of other preprocessings (see export.parity.drift).

    What is emulated here sees about 64 of the frames, all else sees all. Only logits are kept in memory, and one batch
    of maps. Raises UserError (no frames; no reference for these frames), BundleError, BackendError (a named engine is
    missing).
    """
    names = NAMES if backends is None else tuple(backends)
    for name in () if backends is None else names:
        require(name)
    tell: Progress = progress or (lambda what, done, total: None)
    exam = _exam(bundle, reference, frames, labels, tell)
    trials = _Trials(bundle, reference.run, exam, margin, tell)
    rows = [row for name in names for row in trials.rows(name)]
    if speed:
        rows = trials.timed(rows)
    temperature = bundle.model.temperature
    shown = None
    if gallery:
        files = [path.name for path in paths]
        shown = assemble(trials.collectors, reference.classifier, temperature, exam.labels, files)
    moved: tuple[Drift, ...] = ()
    if paths and reference.classifier is not None:
        moved = measure(reference.classifier, bundle.model, paths, lambda done, total: tell("drift", done, total))
    return Report(reference.name, len(exam.wanted), tuple(rows), bundle.model.labels, shown, moved)


@dataclass(frozen=True)
class _Exam:
    """What every engine has to answer: the pictures in batches, and the reference's logits (`wanted`, N x C).

    `places`: where each picture stands among all. `labels`: class indices, where known.
    """

    batches: Sequence[Frames]
    places: npt.NDArray[np.int64]
    wanted: Logits
    labels: npt.NDArray[np.int64] | None

    def thinned(self) -> _Exam:
        """Every k-th batch, so that about _STAND_IN_PICTURES are left."""
        step = -(-len(self.wanted) // _STAND_IN_PICTURES)
        starts = np.cumsum([0, *(len(batch) for batch in self.batches)])
        chosen = range(0, len(self.batches), step)
        rows = np.concatenate([np.arange(starts[index], starts[index + 1]) for index in chosen])
        labels = None if self.labels is None else self.labels[rows]
        return _Exam([self.batches[index] for index in chosen], self.places[rows], self.wanted[rows], labels)


class _Trials:
    """Puts one engine after the other to the exam, and keeps what the gallery needs."""

    def __init__(self, bundle: Bundle, run: Path | None, exam: _Exam, margin: float, tell: Progress) -> None:
        self.collectors: list[Collector] = []
        self._bundle, self._run, self._exam, self._margin, self._tell = bundle, run, exam, margin, tell
        kept = bundle.manifest.provenance.get("fp32_in_fp16", ())
        self._kept_fp32 = len(kept) if isinstance(kept, Sequence) else 0

    def rows(self, backend: str) -> Iterator[Row]:
        """A row for each precision of an engine; one for all when it is not installed."""
        if backend == "torch" and self._run is None:
            return  # no weights to run
        if backend not in installed():
            yield Row(backend, ALL_PRECISIONS, "not installed")
            return
        for precision in precisions(backend, self._bundle):
            if (backend, precision) != ("torch", "fp32"):  # which is the reference itself
                yield self._row(backend, precision)

    def timed(self, rows: Sequence[Row]) -> list[Row]:
        """The rows with the speed of those that passed, measured in turns; with a reason where that fails."""
        passed = [(row.backend, row.precision) for row in rows if row.verdict == "pass"]
        if not any(precision == "fp32" for _backend, precision in passed):
            return list(rows)
        try:
            with ExitStack() as stack:
                engines = {key: stack.enter_context(self._open(*key)) for key in passed}
                frames = self._exam.batches[0]
                speeds = race(engines, frames, lambda done, rounds: self._tell("speed, rounds", done, rounds))
        except BackendError as error:  # all engines at the same time may be too much for a GPU's memory
            reason = f"speed not measured: {error}"
            return [replace(row, reason=reason) if row.verdict == "pass" else row for row in rows]
        return [replace(row, speed=speeds.get((row.backend, row.precision))) for row in rows]

    def _open(self, backend: str, precision: str) -> Backend:
        return open_backend(backend, self._bundle, precision, run=self._run, box=self._box)

    @property
    def _box(self) -> Path | None:
        """What was built here before (engines of TensorRT take minutes) is used; a proof leaves nothing of its own."""
        return self._bundle.box if self._bundle.box.is_dir() else None

    def _row(self, backend: str, precision: str) -> Row:
        try:
            engine = self._open(backend, precision)
        except BackendError as error:
            return self._without_engine(backend, precision, str(error))
        with engine:
            return self._judged(engine, backend, precision)

    def _without_engine(self, backend: str, precision: str, reason: str) -> Row:
        box = self._box
        if box is None or not built_not_run(backend, self._bundle, precision, box):
            return Row(backend, precision, "unsupported", reason)
        return Row(backend, precision, "built, not run", reason, proof=PrecisionProof(precision, "built, not run"))

    def _judged(self, engine: Backend, backend: str, precision: str) -> Row:
        description = engine.describe()
        shown = of_engine(description, self._kept_fp32 if precision == "fp16" else 0)
        row = Row(backend, precision, "fail", description=description, proof=shown)
        exam = self._exam.thinned() if description.emulated else self._exam
        temperature = self._bundle.model.temperature
        collector = Collector(row.name, temperature)

        def look(start: int, frames: Frames, scores: Scores) -> None:
            here = slice(start, start + len(frames))
            collector.look(exam.places[here], frames, exam.wanted[here], scores)

        try:
            answers = _answers(engine, exam.batches, f"{backend} {precision}", len(exam.wanted), self._tell, look)
        except BackendError as error:
            return replace(row, reason=str(error))
        logits, means = answers
        result = judge(
            precision,
            exam.wanted,
            logits,
            map_means=means,
            labels=exam.labels,
            margin=self._margin,
            temperature=temperature,
        )
        verdict, reason = _row_verdict(description, shown, result)
        if verdict != "emulated":
            self.collectors.append(collector)
        return replace(row, verdict=verdict, reason=reason, result=result)


def _row_verdict(description: Description, shown: PrecisionProof, result: Verdict) -> tuple[RowVerdict, str]:
    if not result.passed:
        return "fail", "; ".join(result.failures)
    if description.downgraded:
        return "fail", f"it silently ran {description.runs} though the device has {description.precision}"
    if shown.state == "not shown":
        return "fail", f"the engine left its precision, {shown}"
    if description.emulated:
        return "emulated", description.note
    return "pass", ""


def _exam(
    bundle: Bundle,
    reference: Reference,
    frames: FrameSource | None,
    labels: Sequence[int] | None,
    tell: Progress,
) -> _Exam:
    """The frames in batches, and the reference's logits on them."""
    if reference.classifier is None:
        if frames is not None:
            raise UserError("other frames than the bundle's golden ones need the trained model: name it with --run")
        golden = bundle.golden()
        batches, wanted = _batches(golden.frames), golden.logits
    else:
        batches = _batches(bundle.golden().frames if frames is None else frames)
        total = sum(len(batch) for batch in batches) if isinstance(frames, np.ndarray) or frames is None else 0
        wanted, _means = _answers(reference.classifier, batches, f"{reference.name} (reference)", total, tell)
    truth = None if labels is None else np.asarray(labels, np.int64)
    if truth is not None and len(truth) != len(wanted):
        raise ValueError(f"{len(truth)} labels for {len(wanted)} frames")
    return _Exam(batches, np.arange(len(wanted)), wanted, truth)


def _batches(frames: FrameSource) -> Sequence[Frames]:
    if not len(frames):
        raise UserError("no pictures to compare on; name a folder with pictures")
    if isinstance(frames, np.ndarray):
        return [frames[start : start + _BATCH] for start in range(0, len(frames), _BATCH)]
    return frames


def _answers(
    classifier: Classifier,
    batches: Sequence[Frames],
    what: str,
    total: int,
    tell: Progress,
    look: Callable[[int, Frames, Scores], None] | None = None,
) -> tuple[Logits, Logits]:
    """N x C logits, and N x C means of the map. `look` sees each batch: its first picture's place, frames, scores."""
    logits, means, done = [], [], 0
    for batch in batches:
        scores = classifier.infer(batch)
        logits.append(scores.logits)
        means.append(scores.cam.mean(axis=(2, 3), dtype=np.float64).astype(np.float32))
        if look is not None:
            look(done, batch, scores)
        done += len(batch)
        tell(what, done, total)
    return np.concatenate(logits), np.concatenate(means)
