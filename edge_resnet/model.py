"""torchvision's ResNet-50 with a task head: building it, loading weights into it, storing it with its specification."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torchvision.models import ResNet, resnet50

from edge_resnet import files
from edge_resnet.errors import UserError
from edge_resnet.manifest import ModelSpec
from edge_resnet.preprocess import MEAN_RGB, STD_RGB

FEATURES = 2048
_SPEC_KEY = "edge_resnet"
_MAX_HEADER_BYTES = 10 << 20


def build(classes: int) -> ResNet:
    """A ResNet-50 (torchvision's) with fresh weights and a head of `classes` outputs.

    Each residual branch begins as zero, so that the fresh network begins shallow and learns sooner (Goyal et al. 2017).
    """
    return resnet50(weights=None, num_classes=classes, zero_init_residual=True)


def normalise(frames: Tensor) -> Tensor:
    """N x H x W x 3, uint8, BGR frames to N x 3 x H x W, float32, RGB, as ImageNet's models want them."""
    rgb = frames.flip(-1).permute(0, 3, 1, 2).float() / 255.0
    mean = torch.tensor(MEAN_RGB, device=frames.device).view(1, 3, 1, 1)
    std = torch.tensor(STD_RGB, device=frames.device).view(1, 3, 1, 1)
    normalised: Tensor = (rgb - mean) / std
    return normalised


def body(model: ResNet, inputs: Tensor) -> Tensor:
    """Everything before pooling: N x 3 x H x W to N x 2048 x h x w feature maps (h = H / 32, rounded up)."""
    x: Tensor = model.maxpool(model.relu(model.bn1(model.conv1(inputs))))
    for stage in (model.layer1, model.layer2, model.layer3, model.layer4):
        x = stage(x)
    return x


def class_activation_map(model: ResNet, maps: Tensor) -> Tensor:
    """N x C x h x w: the head applied at every place of the feature maps (Zhou et al. 2016); its mean is the logits."""
    return nn.functional.conv2d(maps, model.fc.weight[:, :, None, None], model.fc.bias)


def fingerprint(model: nn.Module) -> str:
    """SHA-256 over all parameters and buffers."""
    digest = hashlib.sha256()
    for tensor in model.state_dict().values():
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def store(model: ResNet, spec: ModelSpec, path: Path) -> None:
    """Write the weights with their specification in the header, as safetensors, whole or not at all."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    files.write_bytes(path, save(tensors, metadata={_SPEC_KEY: spec.model_dump_json()}))


def load(path: Path) -> tuple[ResNet, ModelSpec]:
    """Read what `store` wrote: the model in eval mode, float32, and its specification. Raises UserError."""
    spec = specification(path)
    model = build(len(spec.labels))
    try:
        model.load_state_dict(load_file(path))
    except (RuntimeError, SafetensorError) as error:
        raise UserError(f"{path}: not the weights of a ResNet-50 with {len(spec.labels)} classes") from error
    return model.eval(), spec


def specification(path: Path) -> ModelSpec:
    """What the model in a file of ours is, read from its header without its weights. Raises UserError."""
    if not path.is_file():
        raise UserError(f"{path}: no trained model here; train one with edge-resnet finetune")
    # safetensors begins with 8 bytes of length, then JSON with `__metadata__`.
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _MAX_HEADER_BYTES:
                raise ValueError("header too long")
            metadata = json.loads(file.read(length)).get("__metadata__", {})
        return ModelSpec.model_validate_json(metadata[_SPEC_KEY])
    except (KeyError, ValueError, struct.error, ValidationError) as error:
        raise UserError(f"{path}: not a model that edge-resnet finetune wrote (no specification inside)") from error
