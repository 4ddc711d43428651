"""What a run tells while it goes on: metrics.csv and TensorBoard's events."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, fields
from pathlib import Path

from edge_resnet import files
from edge_resnet.train.checkpoint import Epoch, History

METRICS = "metrics.csv"


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
