"""How well a classifier does on labelled pictures: accuracy with its interval, per class, confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_resnet.classifier import Classifier
from edge_resnet.data.listing import Listing, Sample, Skipped, refuse_if_too_many
from edge_resnet.errors import PictureError
from edge_resnet.pictures import read_picture
from edge_resnet.preprocess import Frame, Preprocess
from edge_resnet.progress import Step
from edge_resnet.statistics import wilson

_WORKERS = 4


@dataclass(frozen=True)
class Evaluation:
    """Counts on `n` labelled pictures. `confusion`: C x C, row = truth, column = answer."""

    labels: tuple[str, ...]
    confusion: npt.NDArray[np.int64]

    @property
    def n(self) -> int:
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        return int(np.trace(self.confusion))

    @property
    def accuracy(self) -> float:
        """Top-1 accuracy, 0..1."""
        return self.correct / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95% interval of the accuracy."""
        return wilson(self.correct, self.n)

    def to_json(self) -> dict[str, Any]:
        """Everything, for report.json and --json."""
        return {
            "n": self.n,
            "accuracy": self.accuracy,
            "interval_95": list(self.interval),
            "per_class": [self._of_class(index) for index in range(len(self.labels))],
            "confusion": self.confusion.tolist(),
        }

    def _of_class(self, index: int) -> dict[str, Any]:
        right = int(self.confusion[index, index])
        truly = int(self.confusion[index].sum())
        answered = int(self.confusion[:, index].sum())
        return {
            "label": self.labels[index],
            "n": truly,
            "recall": right / truly if truly else None,
            "recall_interval_95": list(wilson(right, truly)),
            "precision": right / answered if answered else None,
        }


def judge(logits: npt.NDArray[np.floating], truth: npt.NDArray[np.int64], labels: tuple[str, ...]) -> Evaluation:
    """Count the answers of `logits` (N x C) against `truth` (N class indices)."""
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (truth, logits.argmax(axis=1)), 1)
    return Evaluation(labels, confusion)


def blind_guess(
    train_truth: npt.NDArray[np.int64], truth: npt.NDArray[np.int64], labels: tuple[str, ...]
) -> Evaluation:
    """The floor: always answering with the most frequent training class."""
    logits = np.zeros((len(truth), len(labels)))
    logits[:, np.bincount(train_truth, minlength=len(labels)).argmax()] = 1.0
    return judge(logits, truth, labels)


@dataclass(frozen=True)
class Frames:
    """Pictures decoded for evaluation.

    `frames`: N x H x W x 3, uint8, BGR. `truth`: N class indices. `samples`: where each came from.
    """

    frames: npt.NDArray[np.uint8]
    truth: npt.NDArray[np.int64]
    samples: tuple[Sample, ...]
    skipped: tuple[Skipped, ...]


def read_frames(listing: Listing, preprocess: Preprocess, progress: Step) -> Frames:
    """Decode and resize every picture of `listing`. Raises UserError when too many are unreadable."""
    frames: list[Frame] = []
    kept: list[Sample] = []
    skipped: list[Skipped] = []
    with ThreadPoolExecutor(_WORKERS) as pool:
        results = pool.map(lambda sample: _read(sample, preprocess), listing.samples)
        for done, (sample, result) in enumerate(zip(listing.samples, results, strict=True), 1):
            if isinstance(result, Skipped):
                skipped.append(result)
            else:
                frames.append(result)
                kept.append(sample)
            progress(done, len(listing.samples))
    refuse_if_too_many(skipped, len(listing.samples), listing.root)
    truth = np.array([sample.label for sample in kept], np.int64)
    return Frames(np.stack(frames), truth, tuple(kept), tuple(skipped))


def logits_of(
    classifier: Classifier, frames: npt.NDArray[np.uint8], batch: int, progress: Step
) -> npt.NDArray[np.float32]:
    """The classifier's logits (N x C) for frames (N x H x W x 3), `batch` at a time."""
    parts = []
    for start in range(0, len(frames), batch):
        parts.append(classifier.infer(frames[start : start + batch]).logits)
        progress(min(start + batch, len(frames)), len(frames))
    return np.concatenate(parts)


def _read(sample: Sample, preprocess: Preprocess) -> Frame | Skipped:
    try:
        return preprocess(read_picture(sample.path))
    except PictureError as error:
        return Skipped(sample.path, error.reason)


def skipped_json(skipped: Sequence[Skipped]) -> list[dict[str, str]]:
    """The skipped pictures for a report."""
    return [{"path": str(item.path), "reason": item.reason} for item in skipped]
