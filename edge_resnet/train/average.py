"""The moving average of a network's weights, which is judged and kept instead of the last ones."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel
from torchvision.models import ResNet


def averaged(network: ResNet, decay: float) -> AveragedModel:
    """An exponential moving average of `network`, statistics of batch normalisation included.

    The decay rises from a tenth with the number of updates, so that the first weights are soon forgotten
    (TensorFlow's ExponentialMovingAverage).
    """

    def mix(kept: list[Tensor], current: list[Tensor], updates: Tensor | int) -> None:
        count = int(updates)
        share = 1.0 - min(decay, (1 + count) / (10 + count))
        for old, new in zip(kept, current, strict=True):
            if old.is_floating_point():
                old.lerp_(new, share)
            else:
                old.copy_(new)

    with torch.no_grad():
        return AveragedModel(network, multi_avg_fn=mix, use_buffers=True)  # type: ignore[arg-type]
