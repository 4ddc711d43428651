"""Where training stands, on disk: weights, optimizer and history, committed together after each epoch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor
from torch.optim import Optimizer
from torchvision.models import ResNet

from edge_resnet import files
from edge_resnet.errors import UserError

_STATE = "state.json"
_MODEL, _OPTIMIZER = "model.", "optimizer."


@dataclass(frozen=True)
class Epoch:
    """One line of metrics.csv. `epoch` 0 is the start (the probe); losses are mean cross-entropies in nats."""

    epoch: int
    lr: float
    train_loss: float | None
    val_loss: float
    val_accuracy: float
    seconds: float

    @property
    def rank(self) -> tuple[float, float]:
        """Greater is better: accuracy, then the lower loss."""
        return self.val_accuracy, -self.val_loss


@dataclass(frozen=True)
class History:
    """All epochs so far; the last is where training stands."""

    epochs: tuple[Epoch, ...] = field(default=())

    def after(self, epoch: Epoch) -> History:
        """The history with one more epoch."""
        return replace(self, epochs=(*self.epochs, epoch))

    @property
    def best(self) -> Epoch:
        """The best epoch on validation; the earliest of equals."""
        return max(self.epochs, key=lambda epoch: epoch.rank)

    @property
    def since_best(self) -> int:
        """Epochs since the best one."""
        return self.epochs[-1].epoch - self.best.epoch


def save(folder: Path, network: ResNet, optimizer: Optimizer, history: History) -> None:
    """Write the state after an epoch. state.json names the tensors' file, so it commits both at once."""
    name = f"state-{history.epochs[-1].epoch:04d}.safetensors"
    tensors = {_MODEL + key: value.contiguous() for key, value in network.state_dict().items()}
    for index, slots in optimizer.state_dict()["state"].items():
        tensors |= {f"{_OPTIMIZER}{index}.{key}": value.contiguous() for key, value in slots.items()}
    files.write_bytes(folder / name, to_bytes(tensors))
    files.write_json(folder / _STATE, {"tensors": name, "epochs": [asdict(epoch) for epoch in history.epochs]})
    for old in folder.glob("state-*.safetensors"):
        if old.name != name:
            old.unlink()


def load(folder: Path, network: ResNet, optimizer: Optimizer) -> History | None:
    """Put the saved state into `network` and `optimizer` and give its history; None if there is none yet."""
    path = folder / _STATE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text())
        tensors = load_file(folder / Path(content["tensors"]).name)
        network.load_state_dict(_part(tensors, _MODEL))
        _load_optimizer(optimizer, _part(tensors, _OPTIMIZER))
        return History(tuple(Epoch(**epoch) for epoch in content["epochs"]))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise UserError(f"{path}: the saved state is damaged ({error}); start a new run") from error


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _load_optimizer(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    slots: dict[int, dict[str, Any]] = {}
    for key, value in tensors.items():
        index, _, slot = key.partition(".")
        slots.setdefault(int(index), {})[slot] = _laid_out_as(parameters[int(index)], value)
    optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})


def _laid_out_as(parameter: Tensor, value: Tensor) -> Tensor:
    """`value` in the memory order of its parameter (channels-last): a fused optimizer reads both in memory's order."""
    return torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value
