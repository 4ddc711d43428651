"""The linear probe: a logistic regression on frozen features, and a good head to start fine-tuning from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchvision.models import ResNet

# Strengths of L2 regularisation to try, on standardised features; the best on validation is taken.
_STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
_ITERATIONS = 100
# Of the median of all features. One that hardly ever varies would be blown up to weigh as much as any other: other
# pictures, and the rounding of INT8, would then decide by it alone (seen: weights of 1,400 beside a median of 0.6).
_LEAST_DEVIATION = 0.1
# Steps that L-BFGS remembers (Nocedal & Wright: 3 to 20); torch's 100 are most of the work for 1,000 classes.
_MEMORY = 10


@dataclass(frozen=True)
class Probe:
    """A linear head: `weight` C x 2048, `bias` C, and the regularisation that did best on validation."""

    weight: Tensor
    bias: Tensor
    strength: float

    def put_into(self, network: ResNet) -> None:
        """Make this the head of `network`."""
        with torch.no_grad():
            network.fc.weight.copy_(self.weight)
            network.fc.bias.copy_(self.bias)


def fit(train: Tensor, train_truth: Tensor, val: Tensor, val_truth: Tensor, weights: Tensor) -> Probe:
    """Fit the head on features (N x 2048) by L-BFGS; the regularisation that is best on validation wins.

    The best has the highest accuracy, of equals the lowest loss: strong regularisation makes a head humble, which the
    temperature would undo, and a few hundred pictures tell little by the loss alone.
    `weights`: what a picture of each class counts (C, float32). Features are standardised for the fit, and the
    standardisation is folded into the head that is returned.
    """
    mean, deviation = train.mean(0), train.std(0, correction=0)
    deviation = deviation.clamp_min(max(_LEAST_DEVIATION * deviation.median().item(), 1e-6))
    standard, val_standard = (train - mean) / deviation, (val - mean) / deviation
    fits: dict[float, tuple[Tensor, Tensor]] = {}
    start = torch.zeros(len(weights), train.shape[1]), torch.zeros(len(weights))
    # From the strongest down, each from the one before: a few iterations bring it to the next.
    for strength in reversed(_STRENGTHS):
        fits[strength] = start = _regress(standard, train_truth, weights, strength, start)

    def rank(strength: float) -> tuple[float, float]:
        weight, bias = fits[strength]
        logits = val_standard @ weight.T + bias
        right = (logits.argmax(1) == val_truth).float().mean().item()
        return right, -nn.functional.cross_entropy(logits, val_truth, weights).item()

    strength = max(_STRENGTHS, key=rank)
    weight, bias = fits[strength]
    folded = weight / deviation
    return Probe(folded, bias - folded @ mean, strength)


def _regress(
    features: Tensor, truth: Tensor, weights: Tensor, strength: float, start: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    weight, bias = (part.clone().requires_grad_() for part in start)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=_ITERATIONS, history_size=_MEMORY, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(features @ weight.T + bias, truth, weights)
        loss = loss + strength * weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()
