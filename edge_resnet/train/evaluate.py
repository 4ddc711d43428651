"""How well a classifier does on labelled pictures: accuracy with its interval, per class, confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_resnet.classifier import Classifier
from edge_resnet.data.listing import Listing, Sample, Skipped, refuse_if_too_many
from edge_resnet.errors import PictureError
from edge_resnet.pictures import read_picture
from edge_resnet.preprocess import Frame, Preprocess
from edge_resnet.progress import Step
from edge_resnet.train.share import Share

_WORKERS = 4
# Up to here a confusion matrix can be written out; over it the most frequent mistakes are.
MAX_MATRIX_CLASSES = 100
_CONFUSED_PAIRS = 20


@dataclass(frozen=True)
class ClassShares:
    """A class: of its pictures those that are answered so (`recall`), and of such answers the right (`precision`)."""

    label: str
    recall: Share
    precision: Share

    def to_json(self) -> dict[str, Any]:
        """For report.json and --json."""
        return {
            "label": self.label,
            "n": self.recall.n,
            "recall": self.recall.value,
            "recall_interval_95": list(self.recall.interval),
            "precision": self.precision.value,
            "precision_interval_95": list(self.precision.interval),
        }


@dataclass(frozen=True)
class Evaluation:
    """The answers to labelled pictures. `truth`, `answers`: N class indices each, int64."""

    labels: tuple[str, ...]
    truth: npt.NDArray[np.int64]
    answers: npt.NDArray[np.int64]

    @cached_property
    def confusion(self) -> npt.NDArray[np.int64]:
        """How often what was answered: C x C, row = truth, column = answer."""
        counts = np.zeros((len(self.labels), len(self.labels)), np.int64)
        np.add.at(counts, (self.truth, self.answers), 1)
        return counts

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Which pictures (N) have the right answer: what a paired comparison needs."""
        return np.asarray(self.truth == self.answers)

    @property
    def n(self) -> int:
        return len(self.truth)

    @property
    def correct(self) -> int:
        return int(self.right.sum())

    @property
    def accuracy(self) -> float:
        """Top-1 accuracy, 0..1."""
        return self.correct / self.n if self.n else 0.0

    @property
    def share(self) -> Share:
        """The right answers among all."""
        return Share(self.correct, self.n)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95% interval of the accuracy."""
        return self.share.interval

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall of the classes that have a picture, 0..1: it does not reward the answer that is frequent."""
        pictures = self.confusion.sum(axis=1)
        known = pictures > 0
        return float((self.confusion.diagonal()[known] / pictures[known]).mean()) if known.any() else 0.0

    @property
    def per_class(self) -> tuple[ClassShares, ...]:
        """Recall and precision of each class."""
        pictures, answered = self.confusion.sum(axis=1).tolist(), self.confusion.sum(axis=0).tolist()
        right = self.confusion.diagonal().tolist()
        return tuple(
            ClassShares(label, Share(right[index], pictures[index]), Share(right[index], answered[index]))
            for index, label in enumerate(self.labels)
        )

    def most_confused(self, limit: int) -> list[dict[str, Any]]:
        """The most frequent wrong answers, at most `limit`: truth, answer, pictures, of how many of that truth."""
        wrong = self.confusion.copy()
        np.fill_diagonal(wrong, 0)
        pairs = sorted(np.argwhere(wrong).tolist(), key=lambda pair: -int(wrong[pair[0], pair[1]]))[:limit]
        return [
            {
                "truth": self.labels[row],
                "answer": self.labels[column],
                "pictures": int(wrong[row, column]),
                "of": int(self.confusion[row].sum()),
            }
            for row, column in pairs
        ]

    def to_json(self) -> dict[str, Any]:
        """Everything, for report.json and --json.

        With more than MAX_MATRIX_CLASSES classes `confusion` is None, since a matrix of a thousand classes has a
        million numbers; `most_confused` is there for any number of classes.
        """
        return {
            "n": self.n,
            "accuracy": self.accuracy,
            "interval_95": list(self.interval),
            "balanced_accuracy": self.balanced_accuracy,
            "per_class": [each.to_json() for each in self.per_class],
            "confusion": self.confusion.tolist() if len(self.labels) <= MAX_MATRIX_CLASSES else None,
            "most_confused": self.most_confused(_CONFUSED_PAIRS),
        }


def judge(logits: npt.NDArray[np.floating], truth: npt.NDArray[np.int64], labels: tuple[str, ...]) -> Evaluation:
    """The answers that `logits` (N x C) give, against `truth` (N class indices)."""
    return Evaluation(labels, truth, np.asarray(logits.argmax(axis=1), np.int64))


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
