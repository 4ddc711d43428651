"""Weights files such as a user may have."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torchvision.models import resnet50


def other_task(path: Path, classes: int = 11) -> Path:
    """A ResNet-50 of another task, in half precision, untrained but with sound statistics; returns `path`."""
    torch.manual_seed(0)
    network = resnet50(num_classes=classes)
    # As in a trained network, batch normalisation must know what it normalises.
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        network.train()(torch.randn(8, 3, 64, 64))
    save_file({name: t.half() if t.is_floating_point() else t for name, t in network.state_dict().items()}, path)
    return path
