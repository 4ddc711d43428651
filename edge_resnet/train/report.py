"""What a run leaves for people: metrics.csv, TensorBoard events, the confusion matrix picture, report.json."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from edge_resnet import files
from edge_resnet.train.checkpoint import Epoch, History
from edge_resnet.train.evaluate import Evaluation

REPORT, METRICS, CONFUSION = "report.json", "metrics.csv", "confusion.png"


@dataclass(frozen=True)
class Stage:
    """A line of the closing table: who answered, and how well."""

    name: str
    evaluation: Evaluation

    def to_json(self) -> dict[str, Any]:
        """For report.json."""
        return {"stage": self.name, **self.evaluation.to_json()}


def write_metrics(folder: Path, history: History) -> None:
    """metrics.csv: a row an epoch, epoch 0 being the start."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [field.name for field in fields(Epoch)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(epoch) for epoch in history.epochs)
    files.write_text(folder / METRICS, text.getvalue())


def write_tensorboard(folder: Path, history: History) -> None:
    """TensorBoard's event file of the last epoch, so that `tensorboard --logdir` shows a run while it goes on."""
    from torch.utils.tensorboard import SummaryWriter

    epoch = history.epochs[-1]
    with SummaryWriter(str(folder), purge_step=epoch.epoch) as writer:
        for name, value in asdict(epoch).items():
            if name != "epoch" and value is not None:
                writer.add_scalar(name.replace("_", "/", 1), value, epoch.epoch)


def draw_confusion(path: Path, evaluation: Evaluation, title: str) -> None:
    """The confusion matrix as a picture: rows are the truth, columns the answer; colour is the share of the row."""
    from matplotlib.figure import Figure

    matrix = evaluation.confusion
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = max(3.5, 0.5 * len(matrix) + 2.0)
    figure = Figure(figsize=(side + 0.6, side), layout="constrained", dpi=120)
    axes = figure.add_subplot()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    ticks = range(len(matrix))
    axes.set(xticks=ticks, yticks=ticks, xlabel="answer", ylabel="truth", title=title)
    axes.set_xticklabels(evaluation.labels, rotation=45, ha="right")
    axes.set_yticklabels(evaluation.labels)
    for row in ticks:
        for column in ticks:
            colour = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, str(matrix[row, column]), ha="center", va="center", color=colour)
    with files.whole_file(path) as temporary:
        figure.savefig(temporary)
