"""One step: gradients in parts, memory that does not suffice, mixing, weights of classes."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edge_resnet.errors import UserError
from edge_resnet.train.batches import Batch
from edge_resnet.train.step import Stepper
from edge_resnet.train.world import World
from tests.unit.train.small import CPU, settings

FRAMES = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (6, 16, 16, 3), np.uint8))
TRUTH = np.array([0, 1, 1, 0, 1, 1], np.int64)
BATCH = Batch(0, tuple(range(6)), FRAMES, torch.from_numpy(TRUTH))


class Flat(nn.Module):
    """Logits of the pixels themselves; refuses more than `most` pictures, as short memory would."""

    def __init__(self, most: int = 100, words: str = "DefaultCPUAllocator: can't allocate memory") -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(768, 2)
        self.most, self.words = most, words

    def forward(self, inputs: Tensor) -> Tensor:
        if len(inputs) > self.most:
            raise RuntimeError(self.words)
        logits: Tensor = self.linear(inputs.flatten(1))
        return logits


def stepper(
    model: Flat, told: list[str] | None = None, weights: tuple[float, float] = (1, 1), **asked: object
) -> Stepper:
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    tell = told.append if told is not None else print
    return Stepper(model, optimizer, settings(**asked), np.array(weights, float), CPU, World(), tell)


def test_parts_give_the_gradients_and_the_loss_of_the_whole() -> None:
    whole, parts = Flat(), Flat()
    losses = [stepper(whole)(BATCH, TRUTH, 1), stepper(parts, accumulate=3, batch=6)(BATCH, TRUTH, 1)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert torch.allclose(whole.linear.weight, parts.linear.weight, atol=1e-6)


def test_the_loss_is_the_cross_entropy() -> None:
    model = Flat()
    expected = nn.functional.cross_entropy(model(CPU.inputs(FRAMES)), BATCH.truth).item()
    assert stepper(model, label_smoothing=0.0)(BATCH, TRUTH, 1) == pytest.approx(expected, rel=1e-5)


def test_short_memory_cuts_the_batch_says_so_and_changes_nothing_else() -> None:
    told: list[str] = []
    roomy, short = Flat(), Flat(most=2)
    stepper(roomy)(BATCH, TRUTH, 1)
    cut = stepper(short, told)
    cut(BATCH, TRUTH, 1)
    assert cut.parts == 4
    assert len(told) == 2
    assert "out of memory" in told[1]
    assert "4 parts" in told[1]
    assert torch.allclose(roomy.linear.weight, short.linear.weight, atol=1e-6)
    cut(BATCH, TRUTH, 2)
    assert len(told) == 2


def test_a_single_picture_that_is_too_much_is_refused() -> None:
    with pytest.raises(UserError, match=r"single picture .* smaller --batch or --input"):
        stepper(Flat(most=0), [])(BATCH, TRUTH, 1)


def test_other_errors_are_not_taken_for_short_memory() -> None:
    with pytest.raises(RuntimeError, match="shapes"):
        stepper(Flat(most=0, words="shapes differ"))(BATCH, TRUTH, 1)


def test_a_class_counts_with_its_weight() -> None:
    model = Flat()
    expected = nn.functional.cross_entropy(model(CPU.inputs(FRAMES)), BATCH.truth, torch.tensor([9.0, 1.0])).item()
    found = stepper(model, weights=(9.0, 1.0), label_smoothing=0.0)(BATCH, TRUTH, 1)
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("mixing", [{"mixup": 0.4}, {"cutmix": 1.0}, {"mixup": 0.4, "cutmix": 1.0}])
def test_mixing_depends_on_the_seed_alone(mixing: dict[str, float]) -> None:
    losses = []
    for global_seed, seed in ((1, 5), (2, 5), (2, 6)):
        model = Flat()
        torch.manual_seed(global_seed)
        losses.append(stepper(model, **mixing)(BATCH, TRUTH, seed))
    plain = stepper(Flat(), mixup=0.0)(BATCH, TRUTH, 5)
    assert losses[0] == losses[1]
    assert len({losses[0], losses[2], plain}) == 3
