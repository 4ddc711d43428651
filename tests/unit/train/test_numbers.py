"""The small pure parts of training: rates, recipe, temperature, probe, evaluation."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edge_resnet import model, probe
from edge_resnet.probability import softmax, sum_of_classes
from edge_resnet.train import recipe, temperature
from edge_resnet.train.evaluate import blind_guess, judge
from edge_resnet.train.loop import learning_rate


def test_the_rate_rises_then_falls_to_nothing() -> None:
    rates = [learning_rate(step, 100, 0.1, 0.5) for step in range(100)]
    assert rates[0] == pytest.approx(0.05)
    assert rates[10] == max(rates) == 0.5
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.001


@given(st.integers(1, 10**6), st.integers(32, 2048), st.integers(1, 256), st.booleans())
def test_the_recipe_is_sane_for_any_situation(pictures: int, side: int, memory_gib: int, pretrained: bool) -> None:
    batch = recipe.batch(pictures, side * side, memory_gib << 30)
    assert batch in {4, 8, 16, 32, 64}
    assert recipe.batch(pictures, 4 * side * side, memory_gib << 30) <= batch
    assert 0 <= recipe.dropout(pictures, pretrained) < 0.5
    assert 0 < recipe.lr(batch, recipe.optimizer(pretrained)) <= 0.1
    assert recipe.freeze_batch_norm(pictures, False) is False
    assert recipe.patience(recipe.epochs(pretrained)) >= 3


def test_temperature_undoes_a_known_one() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (4000, 3))
    truth = np.array([random.choice(3, p=row) for row in softmax(logits)])
    assert temperature.fit(logits * 3.0, truth) == pytest.approx(3.0, rel=0.1)
    assert temperature.fit(logits, truth) == pytest.approx(1.0, rel=0.1)


def test_temperature_of_nothing_is_one_and_of_perfect_answers_is_bounded() -> None:
    assert temperature.fit(np.zeros((0, 2)), np.zeros(0, np.int64)) == 1.0
    assert temperature.fit(np.array([[9.0, 0.0], [0.0, 9.0]]), np.array([0, 1])) >= 0.25


def test_softmax_is_stable_and_divides_by_the_temperature() -> None:
    assert softmax(np.array([1000.0, 0.0])).tolist() == [1.0, 0.0]
    cold, warm = softmax(np.array([2.0, 0.0]), 1.0), softmax(np.array([2.0, 0.0]), 2.0)
    assert cold[0] == pytest.approx(1 / (1 + math.exp(-2)))
    assert warm[0] == pytest.approx(1 / (1 + math.exp(-1)))


def test_an_alarm_s_probability_is_the_sum_of_its_classes() -> None:
    probabilities = softmax(np.array([[1.0, 2.0, 3.0]]))
    assert sum_of_classes(probabilities, (0, 2))[0] == pytest.approx(1 - probabilities[0, 1])
    assert sum_of_classes(np.array([0.7, 0.4]), (0, 1)) == 1.0


def test_the_probe_separates_what_is_separable() -> None:
    random = torch.Generator().manual_seed(0)
    centres = torch.randn(3, model.FEATURES, generator=random)
    truth = torch.arange(90) % 3
    features = centres[truth] * 0.5 + 3.0 + torch.randn(90, model.FEATURES, generator=random)
    head = probe.fit(features[:60], truth[:60], features[60:], truth[60:], torch.ones(3))
    answers = (features[60:] @ head.weight.T + head.bias).argmax(1)
    assert (answers == truth[60:]).float().mean() == 1.0
    network = model.build(3)
    head.put_into(network)
    assert torch.equal(network.fc.weight, head.weight)


def test_the_probe_is_chosen_by_its_answers_before_its_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    # 0.1: three of four right, too sure of the fourth; all other strengths: nothing right, never sure.
    def canned(*arguments: object) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.tensor(
            [[20.0, 0.0], [0.0, 20.0]] if arguments[3] == 0.1 else [[0.0, 0.1], [0.1, 0.0]]
        ), torch.zeros(2)

    monkeypatch.setattr(probe, "_regress", canned)
    features, truth = torch.tensor([[1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, 1.0]]), torch.tensor([0, 1, 0, 0])
    assert probe.fit(features, truth, features, truth, torch.ones(2)).strength == 0.1


def test_confusion_has_truth_in_rows() -> None:
    logits = np.array([[2.0, 1.0], [2.0, 1.0], [0.0, 1.0]])
    found = judge(logits, np.array([0, 1, 1]), ("a", "b"))
    assert found.confusion.tolist() == [[1, 0], [1, 1]]
    assert found.accuracy == pytest.approx(2 / 3)
    told = found.to_json()
    assert [row["recall"] for row in told["per_class"]] == [1.0, 0.5]
    assert [row["precision"] for row in told["per_class"]] == [0.5, 1.0]


def test_the_blind_guess_is_the_most_frequent_training_class() -> None:
    found = blind_guess(np.array([0, 1, 1]), np.array([0, 0, 1]), ("a", "b"))
    assert found.accuracy == pytest.approx(1 / 3)
