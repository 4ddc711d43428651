"""The moving average of weights."""

import torch

from edge_resnet.train.average import averaged
from tests.unit.train.small import network


def test_it_follows_slowly_and_forgets_the_start() -> None:
    trained = network()
    average = averaged(trained, 0.9)
    average.update_parameters(trained)  # the first is taken as it is
    start = trained.fc.bias.detach().clone()
    with torch.no_grad():
        trained.fc.bias.fill_(10.0)
        trained.bn1.running_mean.fill_(3.0)
    average.update_parameters(trained)
    average.update_parameters(trained)
    moved = average.module.fc.bias
    assert ((moved > start) & (moved < 10.0)).all()
    for _ in range(200):
        average.update_parameters(trained)
    assert torch.allclose(moved, torch.tensor(10.0), atol=1e-3)
    assert torch.allclose(average.module.bn1.running_mean, torch.tensor(3.0), atol=1e-3)


def test_a_slow_average_does_not_cling_to_the_first_weights() -> None:
    trained = network()
    average = averaged(trained, 0.9999)
    average.update_parameters(trained)
    with torch.no_grad():
        trained.fc.bias.fill_(10.0)
    for _ in range(50):
        average.update_parameters(trained)
    assert torch.allclose(average.module.fc.bias, torch.tensor(10.0), atol=0.1)
