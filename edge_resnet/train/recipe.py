"""What is chosen when the user does not choose: one pure function a number, with where the number comes from.

Each is a function of the training pictures, the classes, the resolution and the hardware alone; args.yaml tells what
came out, and a value of the user's own always wins.
"""

from __future__ import annotations

from typing import Literal

from edge_resnet.hardware import cores

OptimizerName = Literal["sgd", "adam", "adamw"]
Augmentation = Literal["full", "flip"]
Tune = Literal["head", "bn", "last-stage", "all"]
Balance = Literal["none", "weights", "sampling"]

# Below this many training pictures the statistics of a batch are a worse estimate than those of ImageNet
# (Kornblith et al. 2019 freeze or slow them; fastai and detection recipes freeze them for small batches). It is also
# where BiT-HyperRule (Kolesnikov et al. 2020) begins to mix pictures.
_FEW_PICTURES = 20_000
_REFERENCE_BATCH = 256
# What a training step keeps of one picture of 224 x 224 pixels: 22 million activations of 4 bytes (less in bfloat16 and
# with batch normalisation folded; the rest is for the operating system and the pictures).
_BYTES_PER_PICTURE = 90 << 20
_PIXELS = 224 * 224


def epochs(pretrained: bool) -> int:
    """Fine-tuning converges in some passes (fastai's fine_tune, BiT-HyperRule: 500 steps); from nothing takes more."""
    return 10 if pretrained else 40


def batch(pictures: int, pixels: int, memory_bytes: int) -> int:
    """Pictures a step and device: at least about twenty steps an epoch, and a step in half of the memory."""
    fits = memory_bytes // 2 // max(1, _BYTES_PER_PICTURE * pixels // _PIXELS)
    return next(size for size in (64, 32, 16, 8, 4) if (pictures >= 20 * size and fits >= size) or size == 4)


def optimizer(pretrained: bool) -> OptimizerName:
    """SGD fine-tunes best (Kornblith et al. 2019); from nothing AdamW needs no search for its rate."""
    return "sgd" if pretrained else "adamw"


def augmentation(pretrained: bool) -> Augmentation:
    """What varies training pictures; from nothing and few, a network must first find the object at all (measured)."""
    return "full" if pretrained else "flip"


def lr(batch_size: int, name: OptimizerName) -> float:
    """The peak rate of the head, for `batch_size` pictures a step in all.

    SGD: 0.016 at a batch of 256, linear in the batch (Goyal et al. 2017), between BiT-HyperRule (0.003 at 512) and the
    0.01 to 0.1 at 256 that Kornblith et al. 2019 found best: after a linear probe the body needs small steps, or its
    features are distorted before the head can use them (Kumar et al. 2022, LP-FT). Of two real sets one wanted less,
    the other more (docs/results.md). Adam and AdamW: 0.001 at 16, with the root of the batch (Malladi et al. 2022).
    """
    return 0.016 * batch_size / _REFERENCE_BATCH if name == "sgd" else 0.001 * (batch_size / 16) ** 0.5


def weight_decay(name: OptimizerName) -> float:
    """SGD and Adam 1e-4 (He et al. 2016); AdamW, whose decay is decoupled from the gradient, 1e-2 (torch's default)."""
    return 1e-2 if name == "adamw" else 1e-4


def stage_decay(pretrained: bool) -> float:
    """What each stage's rate is of the rate of the stage above.

    Early features are the most general (Yosinski et al. 2014); 1 trains all alike, as BiT does, and as a network from
    nothing must.
    """
    return 0.8 if pretrained else 1.0


def dropout(pictures: int, pretrained: bool) -> float:
    """Of the 2,048 features before the head: a fifth for small sets (Srivastava et al. 2014: 0 to 0.5 by size)."""
    return 0.2 if pretrained and pictures < _FEW_PICTURES else 0.0


def label_smoothing(classes: int) -> float:
    """0.1 as Szegedy et al. 2016 for a thousand classes; for two it would ask for at most 95% of certainty, so half."""
    return 0.1 if classes > 10 else 0.05


def mixup(pictures: int) -> float:
    """Alpha of mixup: 0.1 for larger sets, none for small ones (BiT-HyperRule)."""
    return 0.1 if pictures >= _FEW_PICTURES else 0.0


def balance(most: int, fewest: int) -> Balance:
    """How a rare class is heard: by a weight where the largest class has over four times its pictures.

    Weights move the head's decision without repeating a few pictures, which it would learn by heart (Kang et al. 2020
    find that the head alone needs balance).
    """
    return "weights" if most > 4 * fewest else "none"


def ema(steps: int) -> float:
    """Decay of the moving average of weights that is kept: 0.999 for long runs, none where it would lag behind.

    A decay of 0.999 averages a thousand steps; torchvision's recipe of 2021 averages about as much of its run.
    """
    return 0.999 if steps >= 10_000 else 0.0


def warmup_share(pretrained: bool) -> float:
    """The share of all steps in which the rate rises from 0 (Goyal et al. 2017: 5 of 90 epochs)."""
    return 0.1 if pretrained else 0.05


def freeze_batch_norm(pictures: int, pretrained: bool) -> bool:
    """Whether the running statistics of batch normalisation stay those of the pretrained weights."""
    return pretrained and pictures < _FEW_PICTURES


def patience(epochs_in_all: int) -> int:
    """Epochs without a better validation result before training stops: half of the run, at least three.

    The start is a probe whose regularisation validation has chosen, and the gain comes while the rate falls: on
    CIFAR-10 epochs 6 and 7 of 10 were the best, after one to three no better than the start (docs/results.md).
    """
    return max(3, epochs_in_all // 2)


def loader_workers(gpu: bool) -> int:
    """Processes that augment pictures: on a CPU the training itself wants the cores."""
    return min(8, max(1, cores() - 1)) if gpu else 0
