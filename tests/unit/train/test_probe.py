"""The linear probe: what it learns from features, and what it does not make of those that say nothing."""

from __future__ import annotations

import torch

from edge_resnet.probe import fit


def test_a_feature_that_hardly_ever_varies_is_not_blown_up() -> None:
    torch.manual_seed(0)
    truth = torch.arange(200) % 2
    features = torch.randn(200, 20)
    features[:, 0] += 2.0 * truth
    # A unit that is dead but for a few pictures of one class.
    features[:, 1] = 0.0
    features[1:6:2, 1] = 1e-4
    probe = fit(features[:150], truth[:150], features[150:], truth[150:], torch.ones(2))
    right = (features @ probe.weight.T + probe.bias).argmax(1) == truth
    assert right.float().mean() > 0.8
    assert probe.weight[:, 1].abs().max() < 10 * probe.weight[:, 0].abs().max()
