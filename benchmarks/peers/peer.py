"""What every peer has in common: its options, a ResNet-50 from a file of weights, and the lines that it writes.

Nothing of edge-resnet is imported here: a peer may run in an environment of its own.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.models import ResNet, resnet50

# ImageNet's, as all torchvision examples write them.
MEAN_RGB, STD_RGB = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def options(description: str | None) -> argparse.Namespace:
    """The options of a peer; data has train/ and val/ of class folders, weights is a state dict of ResNet-50."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--side", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--lines", type=Path, required=True, help="File for a JSON line an epoch.")
    parser.add_argument("--frozen", action="store_true", help="Only the head learns.")
    return parser.parse_args()


class Lines:
    """Writes what the race reads: a line when work begins, and one an epoch."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._started = 0.0

    def begin(self) -> None:
        """Libraries are loaded and the network is made: work begins."""
        self._write({"begun": True})

    def train(self) -> None:
        """The training part of an epoch begins."""
        self._started = time.perf_counter()

    def trained(self) -> float:
        """The training part of an epoch ends; its seconds."""
        return time.perf_counter() - self._started

    def epoch(self, number: int, seconds: float, val_accuracy: float) -> None:
        """An epoch is over: how long its training part took, and the accuracy on validation after it."""
        self._write({"epoch": number, "seconds": seconds, "val_accuracy": val_accuracy})

    def _write(self, line: dict[str, object]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def network(weights: Path, classes: int) -> ResNet:
    """Torchvision's ResNet-50 with a body from `weights` and a fresh head."""
    made = resnet50(num_classes=classes)
    state = torch.load(weights, weights_only=True)
    made.load_state_dict({**made.state_dict(), **{k: v for k, v in state.items() if not k.startswith("fc.")}})
    return made


@torch.inference_mode()
def accuracy(judged: nn.Module, pictures: DataLoader) -> float:
    """Share of `pictures` whose class has the highest logit."""
    judged.eval()
    right = [judged(inputs).argmax(1) == truth for inputs, truth in pictures]
    return torch.cat(right).float().mean().item()
