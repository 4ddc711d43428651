"""What trains and what does not; and batch normalisation folded into convolutions, which must change nothing."""

import pytest
import torch

from edge_resnet import folded, model
from edge_resnet.train.tuning import Trainee, optimizer, trained_share
from tests.unit.train.small import network, settings


def test_folding_changes_neither_answers_nor_gradients() -> None:
    plain, other = network(), network()
    inputs = torch.randn(2, 3, 32, 48)
    expected, found = model.body(plain.eval(), inputs), folded.body(other, inputs)
    assert torch.allclose(found, expected, atol=1e-4)
    expected.square().mean().backward()
    found.square().mean().backward()
    for (name, one), two in zip(plain.named_parameters(), other.parameters(), strict=True):
        if name.startswith("fc."):
            continue
        assert one.grad is not None
        assert two.grad is not None, name
        assert torch.allclose(two.grad, one.grad, atol=1e-4, rtol=1e-3), name


@pytest.mark.parametrize(
    ("tune", "trains", "rests"),
    [
        ("head", {"fc.weight", "fc.bias"}, {"bn1.weight", "layer4.0.conv1.weight"}),
        ("bn", {"fc.weight", "bn1.weight", "layer4.0.bn3.bias"}, {"conv1.weight", "layer4.0.downsample.0.weight"}),
        ("last-stage", {"fc.bias", "layer4.0.conv1.weight", "layer4.0.bn1.weight"}, {"layer3.0.conv1.weight"}),
        ("all", {"conv1.weight", "bn1.bias", "fc.weight"}, set()),
    ],
)
def test_only_what_was_asked_for_trains(tune: str, trains: set[str], rests: set[str]) -> None:
    trainee = Trainee(network(), settings(tune=tune, dropout=0.0))
    trainee.set_training()
    before = {name: value.clone() for name, value in trainee.network.state_dict().items()}
    chosen = settings(tune=tune, lr=0.1)
    step = optimizer(trainee, chosen)
    trainee(torch.randn(4, 3, 32, 32)).square().mean().backward()
    step.step()
    moved = {name for name, value in trainee.network.state_dict().items() if not torch.equal(value, before[name])}
    assert trains <= moved
    assert not rests & moved
    assert not any("running" in name for name in moved)


def test_statistics_train_where_they_are_not_frozen_and_their_stage_trains() -> None:
    trainee = Trainee(network(), settings(weights="none"))
    trainee.set_training()
    assert trainee.network.bn1.training
    partly = Trainee(network(), settings(weights="none", tune="last-stage"))
    partly.set_training()
    assert not partly.network.bn1.training
    assert partly.network.layer4[0].bn1.training


def test_scales_and_biases_do_not_decay_and_lower_stages_learn_less() -> None:
    trainee = Trainee(network(), settings())
    groups = trainee.parameter_groups(settings(weight_decay=0.01, stage_decay=0.5))
    for group in groups:
        expected = {0.01 if parameter.ndim > 1 else 0.0 for parameter in group["params"]}
        assert expected == {group["weight_decay"]}
    scale = {id(parameter): group["scale"] for group in groups for parameter in group["params"]}
    parameters = dict(trainee.network.named_parameters())
    found = [scale[id(parameters[name])] for name in ("fc.weight", "layer4.0.conv1.weight", "conv1.weight")]
    assert found == [1.0, 0.5, 0.5**5]


def test_dropout_works_in_training_alone() -> None:
    trainee = Trainee(network(), settings(dropout=0.5))
    inputs = torch.randn(2, 3, 32, 32)
    trainee.set_training()
    assert not torch.equal(trainee(inputs), trainee(inputs))
    trainee.eval()
    assert torch.equal(trainee(inputs), trainee(inputs))


def test_batch_norm_and_head_are_a_small_share() -> None:
    full = model.build(3)
    assert trained_share(full, "bn") < 0.005
    assert trained_share(full, "head") < trained_share(full, "bn") < trained_share(full, "last-stage") < 1.0
    assert trained_share(full, "all") == 1.0
