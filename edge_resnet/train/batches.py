"""The batches of an epoch: which pictures, in which order, from which step on, and for which process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from edge_resnet.train.args import Settings
from edge_resnet.train.augment import Augmented
from edge_resnet.train.world import World


@dataclass(frozen=True)
class Batch:
    """One step: `positions` among the training pictures of all processes; this one's frames and truth.

    `frames`: n x H x W x 3, uint8, BGR; `truth`: n class indices, int64.
    """

    step: int
    positions: tuple[int, ...]
    frames: Tensor
    truth: Tensor


@dataclass(frozen=True)
class Plan:
    """What every epoch of a run looks like: steps of `settings.batch` pictures a process.

    The order depends on (seed, epoch) alone, so that a run can go on from any step, in any number of processes.
    """

    truth: npt.NDArray[np.int64]
    settings: Settings
    world: World

    @property
    def steps(self) -> int:
        """Steps an epoch, the same in each."""
        full, rest = divmod(len(self.truth), self._batch)
        return full + (rest > 0 and not self._drops(rest))

    @property
    def pictures(self) -> int:
        """Pictures that an epoch trains on, in all processes together."""
        return min(len(self.truth), self.steps * self._batch)

    def epoch(self, epoch: int) -> list[list[tuple[int, int]]]:
        """Each step's pictures for all processes together: place in the epoch, and position among the pictures."""
        order = list(enumerate(self._order(epoch)))
        return [order[start : start + self._batch] for start in range(0, len(order), self._batch)][: self.steps]

    def batches(self, dataset: Augmented, epoch: int, first: int) -> Iterator[Batch]:
        """The batches of an epoch from step `first` on."""
        planned = list(enumerate(self.epoch(epoch)))[first:]
        # A process without a picture of the last batch computes one anyway: all must take part in the exchange.
        own = [self.world.share(drawn) or drawn[:1] for _, drawn in planned]
        dataset.epoch = epoch
        # Its own generator: the loader would else draw from the global one.
        random = torch.Generator().manual_seed(self.settings.seed)
        loader: DataLoader[tuple[Tensor, Tensor]] = DataLoader(
            dataset,  # type: ignore[arg-type]
            batch_sampler=own,
            num_workers=self.settings.workers,
            generator=random,
        )
        for (step, drawn), (frames, truth) in zip(planned, loader, strict=True):
            yield Batch(step, tuple(position for _, position in drawn), frames, truth)

    def class_weights(self, classes: int) -> npt.NDArray[np.float64]:
        """What a picture of each class counts in the loss (C): on average 1 a picture."""
        counts = np.bincount(self.truth, minlength=classes)
        if self.settings.balance != "weights":
            return np.ones(classes)
        return len(self.truth) / (classes * np.maximum(counts, 1))

    @property
    def _batch(self) -> int:
        return self.settings.batch * self.world.size

    def _drops(self, rest: int) -> bool:
        """A last batch of one picture has no statistics for batch normalisation to learn from."""
        return not self.settings.freeze_batch_norm and rest <= self.world.size

    def _order(self, epoch: int) -> list[int]:
        generator = np.random.default_rng((self.settings.seed, epoch))
        if self.settings.balance != "sampling":
            permuted: list[int] = generator.permutation(len(self.truth)).tolist()
            return permuted
        counts = np.bincount(self.truth)
        chance = 1.0 / counts[self.truth]
        drawn: list[int] = generator.choice(len(self.truth), len(self.truth), p=chance / chance.sum()).tolist()
        return drawn
