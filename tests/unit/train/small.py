"""A residual network small enough for unit tests, and settings to train it."""

from __future__ import annotations

import torch
from torchvision.models import ResNet
from torchvision.models.resnet import Bottleneck

from edge_resnet.device import Device
from edge_resnet.train.args import Args, Settings, settle

CPU = Device(torch.device("cpu"), bf16=False)


class Narrow(Bottleneck):
    """A block as ResNet-50's, but that it gives no more channels than it is named after."""

    expansion = 1


def network(classes: int = 2, seed: int = 0) -> ResNet:
    """One narrow block a stage, with statistics and scales that are not those of a fresh network.

    A state of its training is a few megabytes: tests write many.
    """
    torch.manual_seed(seed)
    small = ResNet(Narrow, [1, 1, 1, 1], num_classes=classes, width_per_group=8)
    for name, value in small.state_dict().items():
        if name.endswith(("running_mean", "bias")):
            value.uniform_(-0.2, 0.2)
        elif name.endswith("running_var") or (value.ndim == 1 and value.is_floating_point()):
            value.uniform_(0.5, 1.5)
    return small


def settings(counts: tuple[int, ...] = (8, 8), **asked: object) -> Settings:
    """What the recipe chooses on a processor, but for what is asked."""
    return settle(Args.model_validate({"data": "d", "height": 32, "width": 32, **asked}), counts, CPU)
