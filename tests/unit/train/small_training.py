"""A small network trained in float32 on made-up frames; as a program, also under torchrun, it prints its losses."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edge_resnet.progress import Narrator
from edge_resnet.train.augment import Augmented
from edge_resnet.train.checkpoint import History
from edge_resnet.train.loop import FineTuning, Labelled
from edge_resnet.train.world import World, joined
from tests.unit.train.small import CPU, network, settings

QUIET = Narrator(quiet=True)


def training(
    folder: Path, world: World, on_epoch: Callable[[History], None] = lambda history: None, **asked: object
) -> FineTuning:
    """19 pictures of two classes, the last batch an odd one."""
    random = np.random.default_rng(0)
    truth = np.arange(19) % 2
    frames = random.integers(0, 200, (19, 36, 36, 3), np.uint8)
    frames[truth == 1, :, :, 2] += 50
    chosen = settings(**{"epochs": 3, "batch": 8, "lr": 0.02, "patience": 9, **asked})
    return FineTuning(
        network=network(),
        train=Augmented(frames, range(19), truth.tolist(), (32, 32), "full", seed=1),
        truth=truth,
        names=[f"{number}.png" for number in range(19)],
        val=Labelled(frames[:7, :32, :32], truth[:7]),
        settings=chosen,
        device=CPU,
        world=world,
        folder=folder,
        on_best=lambda network: None,
        on_epoch=on_epoch,
    )


def main(batch: int, folder: Path) -> None:
    """Train and, in the first process, print the losses of each epoch."""
    with joined(CPU) as (world, _device):
        job = training(folder, world, batch=batch, dropout=0.0, balance="weights", accumulate=2)
        history = job.run(QUIET)
        if world.is_first:
            sys.stdout.write(json.dumps([[epoch.train_loss or 0.0, epoch.val_loss] for epoch in history.epochs]))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
