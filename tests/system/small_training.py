"""Trains a small network in float32 on made-up frames, alone or under torchrun, and prints its losses."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from edge_resnet.progress import Narrator
from edge_resnet.train.augment import Augmented
from edge_resnet.train.loop import FineTuning, Labelled
from edge_resnet.train.world import joined
from tests.unit.train.small import CPU, network, settings


def main(batch: int, folder: Path) -> None:
    random = np.random.default_rng(0)
    truth = np.arange(19) % 2
    frames = random.integers(0, 200, (19, 36, 36, 3), np.uint8)
    frames[truth == 1, :, :, 2] += 50
    with joined(CPU) as (world, device):
        chosen = settings(epochs=3, batch=batch, lr=0.02, dropout=0.0, balance="weights", accumulate=2, patience=9)
        history = FineTuning(
            network=network(),
            train=Augmented(frames, range(19), truth.tolist(), (32, 32), "full", seed=1),
            truth=truth,
            names=[""] * 19,
            val=Labelled(frames[:7, :32, :32], truth[:7]),
            settings=chosen,
            device=device,
            world=world,
            folder=folder,
            on_best=lambda network: None,
            on_epoch=lambda history: None,
        ).run(Narrator(quiet=True))
        if world.is_first:
            sys.stdout.write(json.dumps([[epoch.train_loss or 0.0, epoch.val_loss] for epoch in history.epochs]))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
