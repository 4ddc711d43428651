"""Where training stands, on disk: weights, optimizer, history and place in the epoch, committed together."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel
from torchvision.models import ResNet

from edge_resnet import files
from edge_resnet.errors import UserError

_STATE = "state.json"
_MODEL, _OPTIMIZER, _AVERAGE = "model.", "optimizer.", "average."


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


@dataclass(frozen=True)
class Position:
    """Where training stands inside an epoch: `step` steps of it are done; the next epoch begins with step 0.

    `loss`: sum of the steps' losses, each times its pictures; `seen`: those pictures; `seconds`: spent so far; `parts`:
    see Stepper. Nothing random is here, since every step's randomness follows from its place alone.
    """

    step: int = 0
    loss: float = 0.0
    seen: int = 0
    seconds: float = 0.0
    parts: int = 1


@dataclass(frozen=True)
class Learner:
    """All tensors that training changes; `average`: the moving average of the weights, if one is kept."""

    network: ResNet
    optimizer: Optimizer
    average: AveragedModel | None = None

    @property
    def best(self) -> ResNet:
        """The network that is judged."""
        judged: ResNet = self.network if self.average is None else self.average.module
        return judged

    @property
    def is_finite(self) -> bool:
        """Whether no weight has become infinite or no number."""
        return all(bool(parameter.isfinite().all()) for parameter in self.network.parameters())

    def tensors(self) -> dict[str, Tensor]:
        """Everything, by name."""
        found = {_MODEL + key: value for key, value in self.network.state_dict().items()}
        for index, slots in self.optimizer.state_dict()["state"].items():
            found |= {f"{_OPTIMIZER}{index}.{key}": value for key, value in slots.items()}
        if self.average is not None:
            found |= {_AVERAGE + key: value for key, value in self.average.state_dict().items()}
        return {key: value.detach().cpu().contiguous() for key, value in found.items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take over what `tensors` gave."""
        self.network.load_state_dict(_part(tensors, _MODEL))
        _load_optimizer(self.optimizer, _part(tensors, _OPTIMIZER))
        if self.average is not None:
            self.average.load_state_dict(_part(tensors, _AVERAGE))


def save(folder: Path, learner: Learner, history: History, position: Position) -> None:
    """Write the state. state.json names the tensors' file, so it commits both at once."""
    name = f"state-{history.epochs[-1].epoch:04d}-{position.step:07d}.safetensors"
    files.write_bytes(folder / name, to_bytes(learner.tensors()))
    content = {"tensors": name, "epochs": [asdict(epoch) for epoch in history.epochs], "position": asdict(position)}
    files.write_json(folder / _STATE, content)
    for old in folder.glob("state-*.safetensors"):
        if old.name != name:
            old.unlink()


def load(folder: Path, learner: Learner) -> tuple[History, Position] | None:
    """Put the saved state into `learner` and give its history and position; None if there is none yet."""
    path = folder / _STATE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text())
        learner.restore(load_file(folder / Path(content["tensors"]).name))
        return History(tuple(Epoch(**epoch) for epoch in content["epochs"])), Position(**content["position"])
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
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
