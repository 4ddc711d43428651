"""Which parameters train: the head, batch normalisation, the last stage or all; and with which rate and decay each."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import SGD, Adam, AdamW, Optimizer
from torchvision.models import ResNet

from edge_resnet import folded, model
from edge_resnet.train.args import Settings
from edge_resnet.train.recipe import Tune

_MOMENTUM = 0.9
# From the input to the head; what stands further below gets smaller steps.
_STAGES = ("stem", "layer1", "layer2", "layer3", "layer4", "fc")


class Trainee(nn.Module):
    """The network as training sees it: batches to logits, with dropout before the head."""

    def __init__(self, network: ResNet, settings: Settings) -> None:
        super().__init__()
        self.network = network
        self._dropout = settings.dropout
        self._frozen = settings.freeze_batch_norm
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(_trains(name, parameter, settings.tune))

    def forward(self, inputs: Tensor) -> Tensor:
        """N x 3 x H x W, normalised, to N x C logits."""
        maps = folded.body(self.network, inputs) if self._frozen else model.body(self.network, inputs)
        # In float32: a mean in bfloat16 loses what dropout and the head need.
        pooled = functional.dropout(maps.float().mean(dim=(2, 3)), self._dropout, self.training)
        logits: Tensor = self.network.fc(pooled)
        return logits

    def set_training(self) -> None:
        """Training mode; batch normalisation keeps its statistics where they are frozen or nothing else trains."""
        self.train()
        for module in self.network.modules():
            if isinstance(module, _BatchNorm) and (self._frozen or not module.weight.requires_grad):
                module.eval()

    def parameter_groups(self, settings: Settings) -> list[dict[str, Any]]:
        """What trains, for an optimizer: each group with its `scale` of the learning rate and its decay.

        Batch normalisation and biases do not decay (He et al. 2019, "Bag of Tricks"): pulling a scale to zero is no
        simpler model. Each stage's rate is `stage_decay` times that of the stage above (Howard & Ruder 2018).
        """
        groups: dict[tuple[int, bool], list[Tensor]] = {}
        for name, parameter in self.network.named_parameters():
            if parameter.requires_grad:
                groups.setdefault((_stage(name), parameter.ndim > 1), []).append(parameter)
        above = len(_STAGES) - 1
        return [
            {
                "params": parameters,
                "scale": settings.stage_decay ** (above - stage),
                "weight_decay": settings.weight_decay if decays else 0.0,
            }
            for (stage, decays), parameters in sorted(groups.items(), key=lambda item: item[0])
        ]


def optimizer(trainee: Trainee, settings: Settings) -> Optimizer:
    """The optimizer of what trains; the rate of each group is set at every step."""
    groups = trainee.parameter_groups(settings)
    # Fused: one pass over the 25 million parameters a step.
    if settings.optimizer == "adamw":
        return AdamW(groups, settings.lr, fused=True)
    if settings.optimizer == "adam":
        return Adam(groups, settings.lr, fused=True)
    return SGD(groups, settings.lr, momentum=_MOMENTUM, nesterov=True, fused=True)


def trained_share(network: ResNet, tune: Tune) -> float:
    """The share of all parameters that `tune` trains, 0..1."""
    sizes = [(parameter.numel(), _trains(name, parameter, tune)) for name, parameter in network.named_parameters()]
    return float(sum(size for size, trains in sizes if trains) / sum(size for size, _ in sizes))


def _trains(name: str, parameter: Tensor, tune: Tune) -> bool:
    stage = _STAGES[_stage(name)]
    if tune == "bn":
        # Everything of one dimension in the body is batch normalisation's: its convolutions have no bias.
        return stage == "fc" or parameter.ndim == 1
    return tune == "all" or stage == "fc" or (tune == "last-stage" and stage == "layer4")


def _stage(name: str) -> int:
    first = name.partition(".")[0]
    return _STAGES.index(first) if first in _STAGES else 0
