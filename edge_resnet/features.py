"""Pooled features of frames: what the linear probe and the audit look at, computed once and kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torchvision.models import ResNet

from edge_resnet import files, folded
from edge_resnet.device import Device
from edge_resnet.progress import Step

_NAME = "features"


def pooled(network: ResNet, device: Device, frames: npt.NDArray[np.uint8], batch: int, progress: Step) -> Tensor:
    """The 2,048 pooled features of each frame (N x H x W x 3, uint8, BGR): N x 2048, float32, on the CPU."""
    network.eval()
    parts = []
    with torch.no_grad(), device.autocast():
        for start in range(0, len(frames), batch):
            chunk = torch.from_numpy(np.array(frames[start : start + batch]))
            maps = folded.body(network, device.inputs(chunk))
            parts.append(maps.float().mean(dim=(2, 3)).cpu())
            progress(min(start + batch, len(frames)), len(frames))
    return torch.cat(parts)


def keep(features: Tensor, key: str, path: Path) -> None:
    """Store features with a key that tells what they were computed from."""
    files.write_bytes(path, save({_NAME: features}, metadata={"key": key}))


def kept(key: str, path: Path) -> Tensor | None:
    """The stored features if they have this key; None if there are none, of another key, or damaged."""
    try:
        with safe_open(path, "pt") as file:
            return file.get_tensor(_NAME) if (file.metadata() or {}).get("key") == key else None
    except (OSError, SafetensorError):
        return None


def head_logits(network: ResNet, features: Tensor) -> npt.NDArray[np.float32]:
    """The logits (N x C) that the network's head gives for pooled features (N x 2048)."""
    with torch.no_grad():
        weight, bias = network.fc.weight.float().cpu(), network.fc.bias.float().cpu()
        return np.asarray(torch.nn.functional.linear(features, weight, bias).numpy(), np.float32)
