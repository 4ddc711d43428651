"""What is chosen when the user does not choose: one pure function a number, with where the number comes from."""

from __future__ import annotations

import os

# Below this many training pictures the statistics of a batch are a worse estimate than those of ImageNet
# (Kornblith et al. 2019 freeze or slow them; fastai and detection recipes freeze them for small batches).
_FEW_PICTURES = 20_000
_REFERENCE_BATCH = 256


def epochs(pretrained: bool) -> int:
    """Fine-tuning converges in some passes (fastai's fine_tune, BiT-HyperRule: 500 steps); from nothing takes more."""
    return 10 if pretrained else 40


def batch(pictures: int) -> int:
    """At least about ten steps an epoch, at most the batch that fits one small GPU at 224 pixels."""
    return next(size for size in (64, 32, 16, 8, 4) if pictures >= 10 * size or size == 4)


def lr(batch_size: int, pretrained: bool) -> float:
    """SGD's peak rate, linear in the batch (Goyal et al. 2017).

    From nothing 0.1 at 256 (He et al. 2016). Fine-tuning 0.04 at 256: after a linear probe the body needs small steps,
    or its features are distorted before the head can use them (Kumar et al. 2022, LP-FT).
    """
    return (0.04 if pretrained else 0.1) * batch_size / _REFERENCE_BATCH


def warmup_share(pretrained: bool) -> float:
    """The share of all steps in which the rate rises from 0 (Goyal et al. 2017: 5 of 90 epochs)."""
    return 0.1 if pretrained else 0.05


def freeze_batch_norm(pictures: int, pretrained: bool) -> bool:
    """Whether the running statistics of batch normalisation stay those of the pretrained weights."""
    return pretrained and pictures < _FEW_PICTURES


def patience(epochs_in_all: int) -> int:
    """Epochs without a better validation result before training stops: a third of the run, at least three."""
    return max(3, epochs_in_all // 3)


def crop_scale(pretrained: bool) -> tuple[float, float]:
    """The share of the picture's area that a random crop keeps.

    Cameras are fixed and the object may be small, so less is cut off than ImageNet's 0.08.
    """
    return (0.4, 1.0) if pretrained else (0.6, 1.0)


def loader_workers(gpu: bool) -> int:
    """Processes that augment pictures: on a CPU the training itself wants the cores."""
    return min(8, max(1, (os.cpu_count() or 1) - 1)) if gpu else 0
