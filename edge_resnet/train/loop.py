"""Fine-tuning epoch by epoch: warm-up, cosine, early stopping; the best on validation is kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torchvision.models import ResNet

from edge_resnet import files
from edge_resnet.device import Device
from edge_resnet.errors import UserError
from edge_resnet.features import head_logits, pooled
from edge_resnet.progress import Narrator, Step
from edge_resnet.train import checkpoint, tuning
from edge_resnet.train.args import Settings
from edge_resnet.train.augment import Augmented, derived_seed
from edge_resnet.train.average import averaged
from edge_resnet.train.batches import Batch, Plan
from edge_resnet.train.checkpoint import Epoch, History, Learner, Position
from edge_resnet.train.step import Stepper
from edge_resnet.train.temperature import negative_log_likelihood
from edge_resnet.train.tuning import Trainee
from edge_resnet.train.world import World

# Where the pictures of a batch whose loss was no number are named.
DIVERGED = "diverged.json"
STATE = "state"


class Diverged(UserError):
    """The loss is no number any more."""


@dataclass(frozen=True)
class Labelled:
    """Frames N x H x W x 3 (uint8, BGR, of the input size) with their N class indices."""

    frames: npt.NDArray[np.uint8]
    truth: npt.NDArray[np.int64]


@dataclass(frozen=True)
class FineTuning:
    """One fine-tuning: the network, its data and settings, and what it calls.

    `names`: the files of the training pictures. `folder`: where the state is saved (None: nowhere). `on_best(network)`
    is called in the first process after each epoch that is the best so far (also epoch 0, the start),
    `on_epoch(history)` after each.
    """

    network: ResNet
    train: Augmented
    truth: npt.NDArray[np.int64]
    names: Sequence[str]
    val: Labelled
    settings: Settings
    device: Device
    world: World
    folder: Path | None
    on_best: Callable[[ResNet], None]
    on_epoch: Callable[[History], None]

    def run(self, narrator: Narrator) -> History:
        """Train until the last epoch or early stopping, from wherever the saved state stands.

        The best network is handed over before the state is committed: a crash in between repeats the work since the
        last commit, with the same result. Raises Diverged when the loss is no number.
        """
        self.device.place(self.network)
        trainee = Trainee(self.network, self.settings)
        average = averaged(self.network, self.settings.ema) if self.settings.ema else None
        learner = Learner(self.network, tuning.optimizer(trainee, self.settings), average)
        return _Session(self, narrator, trainee, learner).run()


class _Session:
    """The state of a fine-tuning while it runs."""

    def __init__(self, job: FineTuning, narrator: Narrator, trainee: Trainee, learner: Learner) -> None:
        self._job, self._narrator, self._trainee, self._learner = job, narrator, trainee, learner
        self._plan = Plan(job.truth, job.settings, job.world)
        self._history, self._position = History(), Position(parts=job.settings.accumulate)
        self._saved_at = time.monotonic()

    def run(self) -> History:
        settings = self._job.settings
        folder = self._job.folder
        found = None if folder is None else checkpoint.load(folder / STATE, self._learner)
        if found is not None:
            self._history, self._position = found
        # Broadcasts the first process's weights to all; the state was read by each.
        stepper = self._stepper(_spread(self._trainee, self._job))
        if found is None:
            self._close(Epoch(0, 0.0, None, *self._validate(), 0.0))
        while self._history.epochs[-1].epoch < settings.epochs and self._history.since_best < settings.patience:
            number = self._history.epochs[-1].epoch + 1
            with self._narrator.stage(f"epoch {number}/{settings.epochs}") as progress:
                self._train(number, stepper, progress)
            last_rate = self._rate(number * self._plan.steps - 1)
            position = self._position
            loss = position.loss / position.seen
            self._close(Epoch(number, last_rate, loss, *self._validate(), position.seconds))
        return self._history

    def _train(self, number: int, stepper: Stepper, progress: Step) -> None:
        """One pass over the training pictures, from where it stands."""
        job, began, spent = self._job, time.monotonic(), self._position.seconds
        stepper.parts = self._position.parts
        self._trainee.set_training()
        for batch in self._plan.batches(job.train, number, self._position.step):
            place = (number - 1) * self._plan.steps + batch.step
            for group in self._learner.optimizer.param_groups:
                group["lr"] = self._rate(place) * group["scale"]
            seed = derived_seed(job.settings.seed, number, batch.step, job.world.rank)
            loss = stepper(batch, job.truth[list(batch.positions)], seed)
            if not math.isfinite(loss):
                self._diverged(number, batch)
            if self._learner.average is not None:
                self._learner.average.update_parameters(job.network)
            self._position = Position(
                step=batch.step + 1,
                loss=self._position.loss + loss * len(batch.positions),
                seen=self._position.seen + len(batch.positions),
                seconds=spent + time.monotonic() - began,
                parts=stepper.parts,
            )
            if time.monotonic() - self._saved_at >= job.settings.save_every:
                self._commit()
            progress(self._position.seen, self._plan.pictures)

    def _close(self, epoch: Epoch) -> None:
        """End an epoch: hand over the best, commit, tell."""
        self._history = self._history.after(epoch)
        self._position = Position(parts=self._position.parts)
        if self._job.world.is_first:
            if self._history.best is epoch:
                self._job.on_best(self._learner.best)
            self._commit()
            self._job.on_epoch(self._history)
        self._job.world.barrier()
        self._narrator.say(_line(epoch, self._history))

    def _commit(self) -> None:
        """Save the state, unless a weight is infinite or no number: then the last good one stays."""
        folder = self._job.folder
        if folder is not None and self._job.world.is_first and self._learner.is_finite:
            checkpoint.save(folder / STATE, self._learner, self._history, self._position)
        self._saved_at = time.monotonic()

    def _validate(self) -> tuple[float, float]:
        """Loss and accuracy on validation; each process judges a part."""
        job = self._job
        parts = job.world.parts(len(job.val.truth))
        own = parts[job.world.rank]
        logits = np.zeros((0, len(self._learner.best.fc.bias)), np.float32)
        if own:
            frames = job.val.frames[own.start : own.stop]
            features = pooled(self._learner.best, job.device, frames, job.settings.batch, lambda done, total: None)
            logits = head_logits(self._learner.best, features)
        logits = job.world.gathered(logits, [len(part) for part in parts], job.device)
        accuracy = float((logits.argmax(1) == job.val.truth).mean())
        return negative_log_likelihood(logits, job.val.truth), accuracy

    def _diverged(self, number: int, batch: Batch) -> None:
        job = self._job
        named = ""
        if job.folder is not None:
            path, names = job.folder / DIVERGED, [job.names[position] for position in batch.positions]
            named = f"; {path} names the batch's pictures"
            if job.world.is_first:
                files.write_json(path, {"epoch": number, "step": batch.step, "pictures": names})
        raise Diverged(
            f"training diverged in epoch {number} (the loss is no number{named}); "
            f"start anew with --lr {job.settings.lr / 10:g}"
        )

    def _stepper(self, trainee: nn.Module) -> Stepper:
        job = self._job
        weights = self._plan.class_weights(len(job.network.fc.bias))
        return Stepper(
            trainee, self._learner.optimizer, job.settings, weights, job.device, job.world, self._narrator.say
        )

    def _rate(self, step: int) -> float:
        settings = self._job.settings
        return learning_rate(step, settings.epochs * self._plan.steps, settings.warmup_share, settings.lr)


def _spread(trainee: Trainee, job: FineTuning) -> nn.Module:
    """The trainee with its gradients exchanged between processes, where there are several."""
    if job.world.size == 1:
        return trainee
    if job.device.is_gpu and not job.settings.freeze_batch_norm:
        # There is none for processors: there each process's statistics are of its own pictures.
        nn.SyncBatchNorm.convert_sync_batchnorm(trainee)  # type: ignore[no-untyped-call]
    return DistributedDataParallel(trainee, [job.device.torch] if job.device.is_gpu else None)


def learning_rate(step: int, steps: int, warmup_share: float, peak: float) -> float:
    """Linear from 0 to `peak` over the warm-up, then half a cosine down to 0 (Loshchilov & Hutter 2017)."""
    warmup = max(1, round(steps * warmup_share))
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def _line(epoch: Epoch, history: History) -> str:
    start = "start" if epoch.train_loss is None else f"epoch {epoch.epoch}: train loss {epoch.train_loss:.3f},"
    mark = " (best so far)" if history.best is epoch else ""
    return f"{start} validation loss {epoch.val_loss:.3f}, accuracy {epoch.val_accuracy:.1%}{mark}"
