"""Thresholds: what reaches a wish on validation, what is refused and why, and what a default never does."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge_resnet.errors import UserError
from edge_resnet.manifest import AlarmSpec, InputSpec, ModelSpec
from edge_resnet.train.thresholds import AlarmChoice, Wish, choose, measure

LABELS = ("fire", "normal")


def spec(temperature: float = 1.0) -> ModelSpec:
    return ModelSpec(
        labels=LABELS,
        background=("normal",),
        input=InputSpec(height=64, width=64),
        temperature=temperature,
        alarms={"fire": AlarmSpec(classes=("fire",))},
    )


def logits(*probabilities: npt.NDArray[np.float64], temperature: float = 1.0) -> npt.NDArray[np.float64]:
    """Two columns whose softmax at `temperature` gives fire these probabilities."""
    values = np.concatenate(probabilities)
    return np.stack([temperature * np.log(values / (1 - values)), np.zeros(len(values))], axis=1)


def chosen(fire: npt.NDArray[np.float64], normal: npt.NDArray[np.float64], wish: Wish) -> tuple[AlarmSpec, AlarmChoice]:
    truth = np.array([0] * len(fire) + [1] * len(normal))
    found, (choice,) = choose(spec(), logits(fire, normal), truth, wish)
    return found.alarms["fire"], choice


def test_a_rate_takes_the_most_recall_that_holds_it() -> None:
    fire = np.linspace(0.3, 0.99, 100)
    normal = np.concatenate([np.linspace(0.01, 0.4, 390), np.linspace(0.55, 0.75, 10)])
    alarm, choice = chosen(fire, normal, Wish(false_alarm_rate=0.01))
    assert choice.refused is None
    assert choice.validation.false_alarm_rate.part == 4
    assert alarm.threshold == alarm.mean_threshold == choice.threshold
    # One more picture of fire would bring a fifth false alarm.
    over = fire >= alarm.threshold
    next_lower = fire[~over].max()
    assert (normal >= next_lower).sum() == 5
    assert choice.validation.recall.part == over.sum()


def test_a_threshold_lies_between_two_scores_not_on_one() -> None:
    alarm, choice = chosen(np.full(40, 0.9), np.full(400, 0.1), Wish(false_alarm_rate=0.05))
    assert choice.refused is None
    assert alarm.threshold == pytest.approx(0.5)
    assert choice.validation.recall.value == 1.0
    assert choice.validation.false_alarm_rate.value == 0.0


def test_a_wish_may_go_under_a_half_and_the_default_may_not() -> None:
    fire, normal = np.full(50, 0.3), np.full(400, 0.1)
    assert chosen(fire, normal, Wish(false_alarm_rate=0.01))[0].threshold == pytest.approx(0.2)
    assert chosen(fire, normal, Wish())[0].threshold == 0.5


def test_the_default_raises_a_threshold_that_alarms_too_often() -> None:
    fire = np.linspace(0.4, 0.99, 100)
    normal = np.concatenate([np.full(390, 0.1), np.full(10, 0.6)])
    alarm, choice = chosen(fire, normal, Wish())
    assert choice.refused is None
    assert alarm.threshold > 0.6
    assert choice.validation.false_alarm_rate.part == 0
    assert choice.to_json()["wished_by_user"] is False


def test_the_default_does_not_silence_an_alarm() -> None:
    fire = np.concatenate([np.full(90, 0.7), np.full(10, 0.95)])
    normal = np.concatenate([np.full(380, 0.1), np.full(20, 0.9)])
    alarm, choice = chosen(fire, normal, Wish())
    assert alarm.threshold == 0.5
    assert choice.refused is not None
    assert "see only 10 of 100 pictures of fire (100 now)" in choice.refused
    asked, _ = chosen(fire, normal, Wish(false_alarm_rate=0.01))
    assert asked.threshold == pytest.approx(0.925)


def test_too_few_other_pictures_show_no_rate() -> None:
    alarm, choice = chosen(np.full(30, 0.9), np.full(12, 0.1), Wish(false_alarm_rate=0.05))
    assert alarm.threshold == 0.5
    assert choice.refused == (
        "only 12 validation pictures without fire: a false-alarm rate under 25.0% cannot be shown (rule of three); "
        "60 are needed"
    )
    assert chosen(np.full(30, 0.9), np.full(60, 0.1), Wish(false_alarm_rate=0.05))[1].refused is None


def test_a_precision_is_reached_or_refused_with_the_best() -> None:
    fire, normal = np.linspace(0.2, 0.99, 100), np.linspace(0.01, 0.6, 100)
    alarm, choice = chosen(fire, normal, Wish(precision=0.9))
    assert choice.refused is None
    assert choice.validation.precision.value is not None
    assert choice.validation.precision.value >= 0.9
    assert alarm.threshold < 0.6
    _, hopeless = chosen(np.linspace(0.1, 0.5, 50), np.linspace(0.1, 0.99, 50), Wish(precision=0.9))
    assert hopeless.refused is not None
    assert hopeless.refused.startswith(
        "no validation picture of fire reaches it: the best precision of any threshold is"
    )


def test_a_precision_of_a_few_pictures_is_not_shown() -> None:
    fire, normal = np.concatenate([np.full(5, 0.95), np.full(50, 0.3)]), np.full(100, 0.5)
    _, choice = chosen(fire, normal, Wish(precision=0.95))
    assert choice.refused is not None
    assert choice.refused.startswith(
        "only 5 validation pictures lie over the threshold that would hold it; 60 are needed"
    )


def test_a_rate_that_no_picture_of_the_alarm_reaches() -> None:
    _, choice = chosen(np.full(50, 0.3), np.full(400, 0.8), Wish(false_alarm_rate=0.01))
    assert choice.threshold == 0.5
    assert choice.refused == (
        "no validation picture of fire reaches it: 400 of 400 others score as high as the surest of fire"
    )


def test_both_wishes_hold_together() -> None:
    fire = np.linspace(0.3, 0.99, 200)
    normal = np.concatenate([np.full(970, 0.05), np.linspace(0.4, 0.8, 30)])
    precise, careful = Wish(precision=0.9), Wish(false_alarm_rate=0.02)
    both = Wish(0.9, 0.02)
    found = chosen(fire, normal, both)[0].threshold
    assert found == max(chosen(fire, normal, precise)[0].threshold, chosen(fire, normal, careful)[0].threshold)


def test_validation_without_a_picture_of_the_alarm_refuses() -> None:
    _, choice = chosen(np.empty(0), np.full(400, 0.1), Wish(false_alarm_rate=0.01))
    assert choice.refused == "validation has no picture of fire"
    _, alone = chosen(np.full(40, 0.9), np.empty(0), Wish(false_alarm_rate=0.01))
    assert alone.refused is not None
    assert alone.refused.startswith("only 0 validation pictures without fire")


def test_the_temperature_counts() -> None:
    fire, normal = np.full(40, 0.8), np.full(400, 0.1)
    truth = np.array([0] * 40 + [1] * 400)
    hot = spec(temperature=3.0)
    found, _ = choose(hot, logits(fire, normal, temperature=3.0), truth, Wish(false_alarm_rate=0.05))
    assert found.alarms["fire"].threshold == pytest.approx(0.45)
    assert found.temperature == 3.0
    figures = measure(found, logits(fire, normal, temperature=3.0), truth)["fire"]
    assert (figures.recall.part, figures.false_alarm_rate.part, figures.n) == (40, 0, 440)


def test_an_alarm_is_the_sum_of_its_classes() -> None:
    both = ModelSpec(
        labels=("fire", "normal", "smoke"),
        background=("normal",),
        input=InputSpec(height=64, width=64),
        alarms={"danger": AlarmSpec(classes=("fire", "smoke"))},
    )
    # 0.4 each: neither class alone is over a half.
    one = np.log(np.array([[0.4, 0.2, 0.4]]))
    figures = measure(both, one, np.array([2]))["danger"]
    assert figures.recall.part == 1


@pytest.mark.parametrize("wrong", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_a_wish_that_no_picture_could_show_is_a_mistake(wrong: float) -> None:
    with pytest.raises(UserError, match="must be over 0 and under 1"):
        Wish(precision=wrong)
    with pytest.raises(UserError, match="--false-alarm-rate"):
        Wish(false_alarm_rate=wrong)


scores = arrays(np.float64, st.integers(1, 120), elements=st.floats(0.01, 0.99))
wishes = st.builds(Wish, st.none() | st.floats(0.5, 0.98), st.none() | st.floats(0.01, 0.4))


@settings(max_examples=150, deadline=None)
@given(scores, scores, wishes)
def test_what_is_not_refused_holds_the_wish(
    fire: npt.NDArray[np.float64], normal: npt.NDArray[np.float64], wish: Wish
) -> None:
    alarm, choice = chosen(fire, normal, wish)
    figures = choice.validation
    assert 0.0 <= alarm.threshold <= 1.0
    if choice.refused is not None:
        assert alarm == AlarmSpec(classes=("fire",), reached=alarm.reached)
        return
    if wish.precision is not None:
        assert figures.precision.value is not None
        assert figures.precision.value >= wish.precision
    if wish.rate is not None:
        assert figures.false_alarm_rate.value is not None
        assert figures.false_alarm_rate.value <= wish.rate
    assert wish.is_default <= (alarm.threshold >= 0.5)
    assert alarm.reached == pytest.approx(max(*fire, *normal))
