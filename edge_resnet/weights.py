"""Where a run starts from: ImageNet's weights by torchvision, a file of the user's, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from urllib.error import URLError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torchvision.models import ResNet, ResNet50_Weights

from edge_resnet import model
from edge_resnet.errors import UserError

NONE = "none"
# torchvision's second recipe is better when all parameters train, the features of the first when they are frozen.
_IMAGENET = {"imagenet": ResNet50_Weights.IMAGENET1K_V2, "imagenet-v1": ResNet50_Weights.IMAGENET1K_V1}
_HEAD = "fc."
# Ways in which other trainers wrap the state dict.
_WRAPPERS = ("state_dict", "model", "model_state_dict")
_PREFIXES = ("module.", "model.")


def initial_model(weights: str, classes: int) -> ResNet:
    """A ResNet-50 with a fresh head of `classes` outputs and the body of `weights`.

    `weights`: `imagenet` (torchvision's IMAGENET1K_V2), `imagenet-v1`, both downloaded once and verified, `none`, or a
    file with a torchvision state dict (.pth, read with weights_only, or .safetensors; float16 too). Raises UserError.
    """
    network = model.build(classes)
    if weights != NONE:
        state = _imagenet(_IMAGENET[weights]) if weights in _IMAGENET else _from_file(Path(weights))
        _fill(network, {name: tensor for name, tensor in state.items() if not name.startswith(_HEAD)}, weights)
    return network


def whole_model(path: Path, classes: int) -> ResNet:
    """A ResNet-50 with the body and the head of a file, which must have `classes` outputs. Raises UserError."""
    state = _from_file(path)
    head = state.get(f"{_HEAD}weight")
    outputs = 0 if head is None else len(head)
    if outputs != classes:
        raise UserError(
            f"{path}: its head has {outputs} outputs where the data has {classes} classes; "
            "name the data that it was trained on, or fine-tune it"
        )
    network = model.build(classes)
    _fill(network, state, str(path))
    return network.eval()


def _fill(network: ResNet, state: Mapping[str, Tensor], weights: str) -> None:
    """Load a state dict, in float32; the head may be absent. Raises UserError."""
    wanted = {name for name in network.state_dict() if not name.startswith(_HEAD)}
    found = {name for name in state if not name.startswith(_HEAD)}
    # A state dict saved by an old torchvision lacks the counters of batch normalisation, which nothing reads.
    missing = sorted(name for name in wanted - found if not name.endswith("num_batches_tracked"))
    if missing or found - wanted:
        strange = missing[0] if missing else sorted(found - wanted)[0]
        raise UserError(f"{weights}: not the state dict of torchvision's ResNet-50 ({strange} does not fit)")
    try:
        network.load_state_dict({name: tensor.float() for name, tensor in state.items()}, strict=False)
    except RuntimeError as error:
        raise UserError(f"{weights}: not the state dict of torchvision's ResNet-50 (shapes differ)") from error


def _imagenet(weights: ResNet50_Weights) -> Mapping[str, Tensor]:
    name = weights.url.rsplit("/", 1)[-1]
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    try:
        state: Mapping[str, Tensor] = weights.get_state_dict(progress=False, check_hash=True)
    except (URLError, TimeoutError, ConnectionError) as error:
        raise UserError(
            f"cannot download ImageNet weights; bring {weights.url} to {folder / name}, or name a file with --weights"
        ) from error
    except RuntimeError as error:
        # torch.hub's word for a hash that does not fit.
        raise UserError(
            f"{folder / name}: the download is damaged (its hash differs); remove it and try again"
        ) from error
    return state


def _from_file(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise UserError(
            f"{path}: no such weights file; --weights takes {', '.join(_IMAGENET)}, none or a .pth or .safetensors file"
        )
    try:
        content = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except SafetensorError as error:
        raise UserError(f"{path}: not a safetensors file, or a truncated one") from error
    except (UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise UserError(f"{path}: not a file of weights alone (only tensors are read, never code)") from error
    return _unwrapped(content, path)


def _unwrapped(content: object, path: Path) -> Mapping[str, Tensor]:
    for key in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise UserError(f"{path}: holds no state dict; save model.state_dict() of torchvision's ResNet-50")
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in content):
            content = {name.removeprefix(prefix): tensor for name, tensor in content.items()}
    return content
