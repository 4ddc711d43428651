"""How much faster training is than a tutorial's plain loop: fine-tuning per picture, and the probe against ten epochs.

Both sides run in turns in one process, on the same drawn pictures, and the median of the ratios counts:
python -m benchmarks.train [--json] [--rounds N] [--pictures N] [--side PIXELS]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
from torchvision.models import ResNet, resnet50

from edge_resnet import features, probe
from edge_resnet.data import listing as data
from edge_resnet.data import store
from edge_resnet.demo.generate import generate_pictures
from edge_resnet.device import Device
from edge_resnet.hardware import cpu_name
from edge_resnet.preprocess import MEAN_RGB, STD_RGB, Preprocess
from edge_resnet.train import augment
from edge_resnet.train.loop import set_training, train_step

CLASSES = 3
# What the recipe takes for a folder of 640 to 1,280 pictures.
BATCH = 32
FROZEN_EPOCHS = 10
WANTED_FINE_TUNING, WANTED_PROBE = 2.5, 15.0


class Tutorial:
    """The loop that tutorials show: ImageFolder, float32, NCHW, every epoch from the files."""

    def __init__(self, folder: Path, side: int) -> None:
        vary = transforms.Compose(
            [
                transforms.RandomResizedCrop(side),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN_RGB, STD_RGB),
            ]
        )
        self.loader = DataLoader(datasets.ImageFolder(str(folder), vary), BATCH, shuffle=True)
        self.network = resnet50(num_classes=CLASSES)

    def epoch(self, frozen: bool) -> None:
        """One pass over the pictures; frozen: only the head learns."""
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(not frozen or name.startswith("fc."))
        optimizer = torch.optim.SGD([p for p in self.network.parameters() if p.requires_grad], lr=1e-3, momentum=0.9)
        self.network.train()
        for inputs, truth in self.loader:
            loss = nn.functional.cross_entropy(self.network(inputs), truth)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


class Ours:
    """The very code of `edge-resnet finetune`, on the pictures that it has decoded once."""

    def __init__(self, stored: store.Store, side: int) -> None:
        self.stored, self.device = stored, Device.choose("cpu")
        self.network: ResNet = self.device.place(resnet50(num_classes=CLASSES))
        self.truth = np.array([sample.label for sample in stored.listing.samples], np.int64)
        positions = list(range(len(self.truth)))
        self.train = augment.Augmented(stored.training, positions, self.truth.tolist(), (side, side), "full", seed=0)

    def epoch(self) -> None:
        """One pass of fine-tuning all parameters, batch-norm statistics frozen."""
        set_training(self.network, freeze_batch_norm=True)
        optimizer = torch.optim.SGD(self.network.parameters(), lr=1e-6, momentum=0.9, nesterov=True)
        for frames, truth in augment.loader(self.train, BATCH, 0, 0, drop_last=False):
            train_step(self.network, optimizer, self.device, frames, truth)

    def probe(self) -> None:
        """The whole probe stage: features of all pictures, and the fit."""
        pooled = features.pooled(self.network, self.device, self.stored.evaluation, 32, lambda done, total: None)
        truth = torch.from_numpy(self.truth)
        probe.fit(pooled, truth, pooled, truth, CLASSES)


@dataclass(frozen=True)
class Ratio:
    """How many times longer the tutorial took; `wanted` is the bar that the project set itself."""

    name: str
    tutorial_s: list[float]
    ours_s: list[float]
    wanted: float

    @property
    def median(self) -> float:
        return statistics.median(a / b for a, b in zip(self.tutorial_s, self.ours_s, strict=True))


def measure(folder: Path, pictures: int, side: int, rounds: int) -> list[Ratio]:
    """Run both sides in turns."""
    generate_pictures(folder / "pictures", {"train": pictures // CLASSES})
    root = folder / "pictures" / "train"
    quiet = lambda done, total: None  # noqa: E731
    stored = store.read(data.scan(root), Preprocess(side, side), folder / "cache", quiet)
    tutorial, ours = Tutorial(root, side), Ours(stored, side)
    tutorial.epoch(frozen=False)
    ours.epoch()
    whole, probed = ([], []), ([], [])
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        whole[0].append(_seconds(lambda: tutorial.epoch(frozen=False)))
        whole[1].append(_seconds(ours.epoch))
        # One frozen epoch stands for ten: they are all alike.
        probed[0].append(FROZEN_EPOCHS * _seconds(lambda: tutorial.epoch(frozen=True)))
        probed[1].append(_seconds(ours.probe))
    return [
        Ratio("fine-tuning, per picture", *whole, WANTED_FINE_TUNING),
        Ratio(f"probe against {FROZEN_EPOCHS} frozen epochs", *probed, WANTED_PROBE),
    ]


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> int:
    """Measure and print; 1 when a ratio is under its bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pictures", type=int, default=96)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        ratios = measure(Path(folder), args.pictures, args.side, args.rounds)
    rows = [
        {
            "name": ratio.name,
            "ratio": round(ratio.median, 2),
            "wanted": ratio.wanted,
            "tutorial_ms_per_picture": round(1000 * statistics.median(ratio.tutorial_s) / args.pictures, 1),
            "ours_ms_per_picture": round(1000 * statistics.median(ratio.ours_s) / args.pictures, 1),
        }
        for ratio in ratios
    ]
    if args.json:
        print(json.dumps({"processor": cpu_name(), "threads": torch.get_num_threads(), "rows": rows}))
    else:
        for row in rows:
            print(
                f"{row['name']}: {row['ratio']} times faster (wanted {row['wanted']}); "
                f"{row['tutorial_ms_per_picture']} against {row['ours_ms_per_picture']} ms a picture"
            )
    return 0 if all(ratio.median >= ratio.wanted for ratio in ratios) else 1


if __name__ == "__main__":
    sys.exit(main())
