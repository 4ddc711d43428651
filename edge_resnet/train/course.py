"""The course of one training on given pictures: baselines, linear probe, fine-tuning, judgement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torchvision.models import ResNet

from edge_resnet import features, model, probe
from edge_resnet.data.listing import SPLITS
from edge_resnet.device import Device
from edge_resnet.preprocess import Preprocess
from edge_resnet.progress import Narrator, Step
from edge_resnet.train.args import Settings
from edge_resnet.train.augment import Augmented
from edge_resnet.train.batches import Plan
from edge_resnet.train.checkpoint import History
from edge_resnet.train.evaluate import Evaluation, blind_guess, judge
from edge_resnet.train.loop import FineTuning
from edge_resnet.train.nearest_mean import nearest_mean
from edge_resnet.train.task import Task
from edge_resnet.train.world import World

EVALUATION_BATCH = 32


@dataclass(frozen=True)
class Course:
    """One training of `network`, from its pretrained body (or nothing) to the end."""

    task: Task
    settings: Settings
    network: ResNet
    device: Device
    world: World
    narrator: Narrator

    def features(self, path: Path, preprocess: Preprocess) -> Tensor:
        """Pooled features of all samples (N x 2048, float32) by the network as it is; kept in `path` and found again.

        `preprocess`: what the evaluation frames went through.
        """
        key = f"{self.task.listing.contents()} {model.fingerprint(self.network)} {preprocess}"
        kept = features.kept(key, path)
        if kept is None:
            with self.narrator.stage("features for the linear probe") as step:
                kept = features.pooled(self.network, self.device, self.task.evaluation, EVALUATION_BATCH, step)
            features.keep(kept, key, path)
        return kept

    def blind_guess(self) -> Evaluation:
        """Always the most frequent class."""
        return blind_guess(self.task.of("train")[1], self._truth, self._labels)

    def nearest_mean(self, pooled: Tensor) -> Evaluation:
        """The class whose mean feature is nearest; `pooled`: N x 2048, of all samples."""
        (positions, truth), (judged, judged_truth) = self.task.of("train"), self.task.of(self.task.judged_on)
        logits = nearest_mean(pooled[positions].numpy(), truth, pooled[judged].numpy(), len(self._labels))
        return judge(logits, judged_truth, self._labels)

    def probe(self, pooled: Tensor) -> Evaluation:
        """Fit a linear head on frozen features, put it into the network, and judge it."""
        parts = {name: self.task.of(name) for name in SPLITS}
        weights = Plan(parts["train"][1], self.settings, self.world).class_weights(len(self._labels))
        head = probe.fit(
            *(pooled[parts["train"][0]], torch.from_numpy(parts["train"][1])),
            *(pooled[parts["val"][0]], torch.from_numpy(parts["val"][1])),
            torch.from_numpy(weights).float(),
        )
        head.put_into(self.network)
        judged = pooled[parts[self.task.judged_on][0]]
        return judge(features.head_logits(self.network, judged), self._truth, self._labels)

    def fine_tune(
        self, folder: Path | None, on_best: Callable[[ResNet], None], on_epoch: Callable[[History], None]
    ) -> History:
        """Train as the settings say; see FineTuning."""
        positions, truth = self.task.of("train")
        settings = self.settings
        size = (self.task.evaluation.shape[1], self.task.evaluation.shape[2])
        return FineTuning(
            network=self.network,
            train=Augmented(self.task.training, positions, truth.tolist(), size, settings.augment, settings.seed),
            truth=truth,
            names=[str(self.task.listing.samples[position].path) for position in positions],
            val=self.task.labelled("val"),
            settings=settings,
            device=self.device,
            world=self.world,
            folder=folder,
            on_best=on_best,
            on_epoch=on_epoch,
        ).run(self.narrator)

    @property
    def _truth(self) -> npt.NDArray[np.int64]:
        return self.task.of(self.task.judged_on)[1]

    @property
    def _labels(self) -> tuple[str, ...]:
        return self.task.listing.labels


def logits_of(
    network: ResNet, device: Device, frames: npt.NDArray[np.uint8], progress: Step
) -> npt.NDArray[np.float32]:
    """The logits (N x C) of a network, in float32, for frames (N x H x W x 3, uint8, BGR)."""
    exact = Device(device.torch, bf16=False)
    pooled = features.pooled(exact.place(network), exact, frames, EVALUATION_BATCH, progress)
    return features.head_logits(network, pooled)


def maps_of(network: ResNet, device: Device, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Class activation maps (N x C x h x w), in float32, for frames (N x H x W x 3, uint8, BGR)."""
    exact = Device(device.torch, bf16=False)
    exact.place(network).eval()
    parts = []
    with torch.no_grad():
        for start in range(0, len(frames), EVALUATION_BATCH):
            inputs = exact.inputs(torch.from_numpy(np.array(frames[start : start + EVALUATION_BATCH])))
            parts.append(model.class_activation_map(network, model.body(network, inputs)).cpu().numpy())
    return np.concatenate(parts)
