"""What is chosen when the user does not choose: one pure function a number, with where the number comes from."""

from __future__ import annotations

import os
from typing import Literal

OptimizerName = Literal["sgd", "adamw"]
Augmentation = Literal["full", "flip"]

# Below this many training pictures the statistics of a batch are a worse estimate than those of ImageNet
# (Kornblith et al. 2019 freeze or slow them; fastai and detection recipes freeze them for small batches).
_FEW_PICTURES = 20_000
_REFERENCE_BATCH = 256


def epochs(pretrained: bool) -> int:
    """Fine-tuning converges in some passes (fastai's fine_tune, BiT-HyperRule: 500 steps); from nothing takes more."""
    return 10 if pretrained else 40


def batch(pictures: int) -> int:
    """At least about twenty steps an epoch, at most the batch that fits one small GPU at 224 pixels."""
    return next(size for size in (64, 32, 16, 8, 4) if pictures >= 20 * size or size == 4)


def optimizer(pretrained: bool) -> OptimizerName:
    """SGD fine-tunes best (Kornblith et al. 2019); from nothing AdamW needs no search for its rate."""
    return "sgd" if pretrained else "adamw"


def augmentation(pretrained: bool) -> Augmentation:
    """What varies training pictures; from nothing and few, a network must first find the object at all (measured)."""
    return "full" if pretrained else "flip"


def lr(batch_size: int, name: OptimizerName) -> float:
    """The peak rate.

    SGD: 0.004 at a batch of 256, linear in the batch (Goyal et al. 2017), near BiT-HyperRule (0.003 at 512):
    after a linear probe the body needs small steps, or its features are distorted before the head can use them (Kumar
    et al. 2022, LP-FT); ten times as much was worse on real pictures (docs/results.md). AdamW: 0.001 at 16,
    with the square root of the batch (Malladi et al. 2022).
    """
    return 0.004 * batch_size / _REFERENCE_BATCH if name == "sgd" else 0.001 * (batch_size / 16) ** 0.5


def weight_decay(name: OptimizerName) -> float:
    """SGD 1e-4 (He et al. 2016); AdamW, whose decay is decoupled from the gradient, 1e-2 (torch's default)."""
    return 1e-4 if name == "sgd" else 1e-2


def warmup_share(pretrained: bool) -> float:
    """The share of all steps in which the rate rises from 0 (Goyal et al. 2017: 5 of 90 epochs)."""
    return 0.1 if pretrained else 0.05


def freeze_batch_norm(pictures: int, pretrained: bool) -> bool:
    """Whether the running statistics of batch normalisation stay those of the pretrained weights."""
    return pretrained and pictures < _FEW_PICTURES


def patience(epochs_in_all: int) -> int:
    """Epochs without a better validation result before training stops: a third of the run, at least three."""
    return max(3, epochs_in_all // 3)


def loader_workers(gpu: bool) -> int:
    """Processes that augment pictures: on a CPU the training itself wants the cores."""
    return min(8, max(1, (os.cpu_count() or 1) - 1)) if gpu else 0
