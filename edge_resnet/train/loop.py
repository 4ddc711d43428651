"""Fine-tuning epoch by epoch: warm-up, cosine, early stopping; the best on validation is kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torchvision.models import ResNet

from edge_resnet.device import Device
from edge_resnet.errors import UserError
from edge_resnet.features import head_logits, pooled
from edge_resnet.progress import Narrator, Step
from edge_resnet.train import augment, checkpoint
from edge_resnet.train.args import Settings
from edge_resnet.train.checkpoint import Epoch, History
from edge_resnet.train.temperature import negative_log_likelihood

_MOMENTUM = 0.9


@dataclass(frozen=True)
class Labelled:
    """Frames N x H x W x 3 (uint8, BGR, of the input size) with their N class indices."""

    frames: npt.NDArray[np.uint8]
    truth: npt.NDArray[np.int64]


@dataclass(frozen=True)
class FineTuning:
    """One fine-tuning: the network, its data and settings, and where it leaves its state."""

    network: ResNet
    train: augment.Augmented
    val: Labelled
    settings: Settings
    device: Device
    state_folder: Path
    on_best: Callable[[], None]
    on_epoch: Callable[[History], None]

    def run(self, narrator: Narrator) -> History:
        """Train until the last epoch or early stopping, from wherever the saved state stands.

        `on_best` is called after each epoch that is the best so far (also epoch 0, the start), before the state is
        committed: a crash in between repeats the epoch, with the same result.
        """
        self.device.place(self.network)
        optimizer = self._optimizer()
        history = checkpoint.load(self.state_folder, self.network, optimizer)
        if history is None:
            history = self._close(optimizer, History(), Epoch(0, 0.0, None, *self._validate(), 0.0), narrator)
        while history.epochs[-1].epoch < self.settings.epochs and history.since_best < self.settings.patience:
            number = history.epochs[-1].epoch + 1
            started = time.monotonic()
            with narrator.stage(f"epoch {number}/{self.settings.epochs}") as step:
                loss = self._train(number, optimizer, step)
            rate = self._rate(number * self._steps() - 1)
            epoch = Epoch(number, rate, loss, *self._validate(), time.monotonic() - started)
            history = self._close(optimizer, history, epoch, narrator)
        return history

    def _close(self, optimizer: Optimizer, history: History, epoch: Epoch, narrator: Narrator) -> History:
        history = history.after(epoch)
        if history.best is epoch:
            self.on_best()
        checkpoint.save(self.state_folder, self.network, optimizer, history)
        self.on_epoch(history)
        narrator.say(_line(epoch, history))
        return history

    def _optimizer(self) -> Optimizer:
        lr, decay = self.settings.lr, self.settings.weight_decay
        # Fused: one pass over the 25 million parameters a step.
        if self.settings.optimizer == "adamw":
            return torch.optim.AdamW(self.network.parameters(), lr, weight_decay=decay, fused=True)
        return torch.optim.SGD(
            self.network.parameters(), lr, momentum=_MOMENTUM, weight_decay=decay, nesterov=True, fused=True
        )

    def _train(self, number: int, optimizer: Optimizer, progress: Step) -> float:
        """One pass over the training pictures; the mean loss."""
        set_training(self.network, self.settings.freeze_batch_norm)
        self.train.epoch = number
        batches = augment.loader(
            self.train, self.settings.batch, self.settings.seed, self.settings.workers, self._drops_last()
        )
        first_step = (number - 1) * len(batches)
        total_loss, seen = 0.0, 0
        for index, (frames, truth) in enumerate(batches):
            for group in optimizer.param_groups:
                group["lr"] = self._rate(first_step + index)
            loss = train_step(self.network, optimizer, self.device, frames, truth)
            if not math.isfinite(loss):
                raise UserError(
                    f"training diverged in epoch {number} (the loss is no number); try --lr {self.settings.lr / 10:g}"
                )
            total_loss, seen = total_loss + loss * len(truth), seen + len(truth)
            progress(seen, len(self.train))
        return total_loss / seen

    def _validate(self) -> tuple[float, float]:
        """Loss and accuracy on validation."""
        features = pooled(self.network, self.device, self.val.frames, self.settings.batch, lambda done, total: None)
        logits = head_logits(self.network, features)
        accuracy = float((logits.argmax(1) == self.val.truth).mean())
        return negative_log_likelihood(logits, self.val.truth), accuracy

    def _drops_last(self) -> bool:
        """A last batch of one picture has no statistics for batch normalisation to learn from."""
        return not self.settings.freeze_batch_norm and len(self.train) % self.settings.batch == 1

    def _steps(self) -> int:
        """Optimizer steps an epoch."""
        full, rest = divmod(len(self.train), self.settings.batch)
        return full + (rest > 0 and not self._drops_last())

    def _rate(self, step: int) -> float:
        settings = self.settings
        return learning_rate(step, settings.epochs * self._steps(), settings.warmup_share, settings.lr)


def train_step(network: ResNet, optimizer: Optimizer, device: Device, frames: Tensor, truth: Tensor) -> float:
    """One step on a batch: frames N x H x W x 3, uint8, BGR, with N class indices; the batch's loss."""
    with device.autocast():
        logits = network(device.inputs(frames))
    loss = nn.functional.cross_entropy(logits.float(), truth.to(device.torch))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.item()


def learning_rate(step: int, steps: int, warmup_share: float, peak: float) -> float:
    """Linear from 0 to `peak` over the warm-up, then half a cosine down to 0 (Loshchilov & Hutter 2017)."""
    warmup = max(1, round(steps * warmup_share))
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def set_training(network: ResNet, freeze_batch_norm: bool) -> None:
    """Training mode; frozen batch normalisation uses and keeps its running statistics, while its scales still train."""
    network.train()
    if freeze_batch_norm:
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()


def _line(epoch: Epoch, history: History) -> str:
    start = "start" if epoch.train_loss is None else f"epoch {epoch.epoch}: train loss {epoch.train_loss:.3f},"
    mark = " (best so far)" if history.best is epoch else ""
    return f"{start} validation loss {epoch.val_loss:.3f}, accuracy {epoch.val_accuracy:.1%}{mark}"
