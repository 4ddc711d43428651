"""One optimizer step on a batch: mixing, loss, gradients in parts where memory is short."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer
from torchvision.transforms import v2

from edge_resnet.device import Device
from edge_resnet.errors import UserError
from edge_resnet.train.args import Settings
from edge_resnet.train.batches import Batch
from edge_resnet.train.world import World

# How torch says on a processor that memory is short; a GPU has an exception of its own.
_CPU_OUT_OF_MEMORY = ("DefaultCPUAllocator", "could not create a memory", "bad_alloc")


class Stepper:
    """Trains one batch after another; `parts` is into how many parts a batch is cut."""

    def __init__(
        self,
        trainee: nn.Module,
        optimizer: Optimizer,
        settings: Settings,
        weights: npt.NDArray[np.float64],
        device: Device,
        world: World,
        tell: Callable[[str], None],
    ) -> None:
        """`weights`: what a picture of each class counts in the loss (C)."""
        self.parts = settings.accumulate
        self._trainee, self._optimizer, self._settings = trainee, optimizer, settings
        self._weights, self._device, self._world, self._tell = weights, device, world, tell
        self._mix = _mixing(settings, len(weights))

    def __call__(self, batch: Batch, truth: npt.NDArray[np.int64], seed: int) -> float:
        """Train on `batch`; `truth`: the classes of all processes' pictures. The batch's mean loss over all processes.

        Everything random depends on `seed`. Memory that does not suffice cuts the batch in twice as many parts, with
        the same gradients but for rounding. Raises UserError when one picture is too much.
        """
        whole = float(self._weights[truth].sum())
        while True:
            try:
                loss = self._gradients(batch, whole, seed)
                break
            except (RuntimeError, MemoryError) as error:
                if not _is_out_of_memory(error):
                    raise
                told = str(error).splitlines()[0][:120]
            self._halve(len(batch.truth), told)
        self._optimizer.step()
        return self._world.total(loss, self._device)

    def _gradients(self, batch: Batch, whole: float, seed: int) -> float:
        """Gradients of this process's part of the loss, and that part."""
        _seed_all(seed)
        self._optimizer.zero_grad(set_to_none=True)
        # A picture that stands in for none (see Plan.batches) counts nothing.
        counts = 1.0 if len(self._world.share(batch.positions)) else 0.0
        parts = min(self.parts, len(batch.truth))
        pairs = list(zip(batch.frames.tensor_split(parts), batch.truth.tensor_split(parts), strict=True))
        total = 0.0
        for number, (frames, truth) in enumerate(pairs, 1):
            with self._exchange(last=number == len(pairs)):
                loss = self._loss(frames, truth) * (counts / whole)
                # The exchange takes the mean of the processes' gradients, where the sum is wanted.
                (loss * self._world.size).backward()  # type: ignore[no-untyped-call]
            total += loss.item()
        return total

    def _loss(self, frames: Tensor, truth: Tensor) -> Tensor:
        """The sum of the pictures' losses, each with the weight of its class."""
        truth = truth.to(self._device.torch)
        inputs, targets = self._device.inputs(frames), truth
        if self._mix is not None and len(truth) > 1:
            inputs, targets = self._mix(inputs, truth)
        with self._device.autocast():
            logits = self._trainee(inputs)
        losses = nn.functional.cross_entropy(
            logits.float(), targets, reduction="none", label_smoothing=self._settings.label_smoothing
        )
        weights = torch.as_tensor(self._weights, dtype=torch.float32, device=losses.device)
        return (losses * weights[truth]).sum()

    def _exchange(self, last: bool) -> AbstractContextManager[None]:
        """Gradients are exchanged once a step, with the last part."""
        if isinstance(self._trainee, DistributedDataParallel) and not last:
            return self._trainee.no_sync()
        return nullcontext()

    def _halve(self, pictures: int, told: str) -> None:
        advice = "take a smaller --batch or --input"
        if self.parts >= pictures:
            raise UserError(f"out of memory on a single picture ({told}); {advice}")
        if self._world.size > 1:
            raise UserError(f"out of memory on process {self._world.rank} ({told}); {advice}")
        self.parts = min(2 * self.parts, pictures)
        if self._device.is_gpu:
            torch.cuda.empty_cache()
        self._tell(f"out of memory ({told}); a batch is now trained in {self.parts} parts, with the same result")


def _mixing(settings: Settings, classes: int) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None:
    """Mixup (Zhang et al. 2018) or CutMix (Yun et al. 2019); each half of the time where both are wanted."""
    mixers: list[nn.Module] = []
    if settings.mixup:
        mixers.append(v2.MixUp(alpha=settings.mixup, num_classes=classes))
    if settings.cutmix:
        mixers.append(v2.CutMix(alpha=settings.cutmix, num_classes=classes))
    return v2.RandomChoice(mixers) if mixers else None


def _seed_all(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return any(sign in str(error) for sign in _CPU_OUT_OF_MEMORY)
