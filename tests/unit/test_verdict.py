"""The gates: what passes, what fails and why, and that accuracy is told beside them."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import pytest

from edge_resnet.verdict import GATES, Figures, accuracy_drop, judge

N = 400


@pytest.fixture
def logits() -> npt.NDArray[np.float64]:
    random = np.random.default_rng(0)
    values = random.normal(0, 1, (N, 3))
    values[np.arange(N), random.integers(0, 3, N)] += 6
    return values


def _figures(precision: str, reference: npt.NDArray[np.float64], candidate: npt.NDArray[np.float64]) -> Figures:
    figures = judge(precision, reference, candidate).figures
    assert figures is not None
    return figures


def test_the_table_is_the_designs() -> None:
    assert (GATES["fp32"].difference, GATES["fp32"].agreement) == (1e-3, 1.0)
    assert (GATES["fp16"].difference, GATES["fp16"].relative) == (2e-3, True)
    assert (GATES["fp16"].cosine, GATES["fp16"].agreement) == (0.9999, 0.995)
    assert (GATES["int8"].cosine, GATES["int8"].kl_nats) == (0.99, 0.02)


@pytest.mark.parametrize(("shift", "passed"), [(0.9e-3, True), (1.1e-3, False)])
def test_fp32_is_absolute(shift: float, passed: bool, logits: npt.NDArray[np.float64]) -> None:
    moved = logits.copy()
    moved[17, 1] += shift
    verdict = judge("fp32", logits, moved)
    assert verdict.passed is passed
    if not passed:
        assert verdict.failures == ("largest |d logit| 0.0011 is over 0.001",)


@pytest.mark.parametrize("scale", [0.01, 1, 10])
@pytest.mark.parametrize(("share", "passed"), [(0.95, True), (1.05, False)])
def test_fp16_grows_with_the_logits(scale: float, share: float, passed: bool, logits: npt.NDArray[np.float64]) -> None:
    reference = logits * scale
    moved = reference.copy()
    moved[3, int(logits[3].argmax())] += share * 2e-3 * max(1.0, np.abs(reference).max())
    failures = judge("fp16", reference, moved).failures
    assert any("d logit" in failure for failure in failures) is not passed


def test_ties_may_change_sides_in_fp32_and_others_may_not() -> None:
    reference = np.array([[0.0, 1e-3], [0.0, 5.0]])
    tie = np.array([[5.1e-4, 4.9e-4], [0.0, 5.0]])
    verdict = judge("fp32", reference, tie)
    assert verdict.passed
    assert verdict.figures is not None
    assert (verdict.figures.changed, verdict.figures.ties, verdict.figures.agreement) == (1, 1, 0.5)
    changed = judge("fp32", reference, np.array([[0.0, 1e-3], [5.0, 0.0]]))
    assert "1 of 2 pictures changed sides" in changed.failures


@pytest.mark.parametrize(("ties", "passed"), [(1, True), (2, True), (3, False)])
def test_fp16_wants_995_of_1000(ties: int, passed: bool, logits: npt.NDArray[np.float64]) -> None:
    reference, candidate = logits.copy(), logits.copy()
    for row in range(ties):
        reference[row], candidate[row] = (2.000, 2.001, 0), (2.001, 2.000, 0)
    verdict = judge("fp16", reference, candidate)
    assert verdict.passed is passed
    assert any("changed sides" in failure for failure in verdict.failures) is not passed


def test_one_tie_among_few_pictures_is_no_verdict_in_fp16() -> None:
    reference = np.array([[2.000, 2.001], *[[0.0, 5.0]] * 47])
    candidate = np.array([[2.001, 2.000], *[[0.0, 5.0]] * 47])
    assert judge("fp16", reference, candidate).passed


def test_int8_is_judged_by_direction_and_divergence_alone(logits: npt.NDArray[np.float64]) -> None:
    noise = np.random.default_rng(1).normal(0, 1, logits.shape)
    assert judge("int8", logits, logits + 0.1 * noise).passed
    failures = judge("int8", logits, logits + 2.0 * noise).failures
    assert any("cosine" in failure for failure in failures)
    assert any("KL" in failure for failure in failures)


def test_cosine_and_divergence_are_the_textbooks(logits: npt.NDArray[np.float64]) -> None:
    other = logits + np.random.default_rng(2).normal(0, 0.3, logits.shape)
    figures = _figures("int8", logits, other)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    q = np.exp(other) / np.exp(other).sum(1, keepdims=True)
    assert figures.kl_nats == pytest.approx((p * np.log(p / q)).sum(1).mean(), rel=1e-9)
    cosines = [a @ b / np.sqrt((a @ a) * (b @ b)) for a, b in zip(logits, other, strict=True)]
    assert figures.cosine == pytest.approx(np.mean(cosines))
    assert figures.min_cosine == pytest.approx(min(cosines))
    same = _figures("fp32", np.zeros((2, 3)), np.zeros((2, 3)))
    assert (same.cosine, same.kl_nats) == (1.0, 0.0)


def test_large_logits_do_not_overflow_the_divergence() -> None:
    figures = _figures("int8", np.array([[2000.0, 0.0]]), np.array([[1999.0, 0.0]]))
    assert figures.kl_nats == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_fails(value: float, logits: npt.NDArray[np.float64]) -> None:
    broken = logits.copy()
    broken[5, 0] = value
    for verdict, who in ((judge("int8", logits, broken), "candidate"), (judge("int8", broken, logits), "reference")):
        assert not verdict.passed
        assert who in verdict.failures[0]
        json.dumps(verdict.to_json(), allow_nan=False)


def test_a_map_whose_mean_is_not_the_logits_fails(logits: npt.NDArray[np.float64]) -> None:
    assert judge("fp32", logits, logits, map_means=logits + 5e-4).passed
    for precision in ("fp32", "fp16", "int8"):
        failures = judge(precision, logits, logits, map_means=logits + 0.1).failures
        assert any("map's mean" in failure for failure in failures)


def _rights(n: int, worse: int, better: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    reference = np.ones(n, bool)
    reference[:better] = False
    candidate = np.ones(n, bool)
    candidate[better : better + worse] = False
    return reference, candidate


@pytest.mark.parametrize(
    ("n", "worse", "better", "expected"),
    [(1000, 0, 0, "shown"), (225, 0, 0, "undecided"), (225, 1, 0, "undecided"), (400, 40, 0, "refuted")],
)
def test_accuracy_is_shown_undecided_or_refuted(n: int, worse: int, better: int, expected: str) -> None:
    drop = accuracy_drop(*_rights(n, worse, better))
    assert drop.non_inferiority == expected
    assert drop.drop == pytest.approx((worse - better) / n)
    assert drop.lower <= drop.drop <= drop.upper
    assert (drop.pictures_to_decide is not None) == (expected == "undecided")


def test_225_pictures_without_a_flip_need_about_600() -> None:
    wanted = accuracy_drop(*_rights(225, 0, 0)).pictures_to_decide
    assert wanted is not None
    assert 590 <= wanted <= 600


def test_undecided_passes_and_refuted_fails(logits: npt.NDArray[np.float64]) -> None:
    labels = logits.argmax(1)
    undecided = judge("int8", logits, logits, labels=labels)
    assert undecided.passed
    assert undecided.accuracy is not None
    assert undecided.accuracy.non_inferiority == "undecided"
    worse = logits.copy()
    worse[:40] = np.roll(logits[:40], 1, axis=1)
    refuted = judge("int8", logits, worse, labels=labels)
    assert "accuracy dropped by 10.00 pp, provably over 0.5 pp" in refuted.failures
    generous = judge("int8", logits, worse, labels=labels, margin=0.2)
    assert not any("accuracy" in failure for failure in generous.failures)
    assert json.loads(json.dumps(refuted.to_json(), allow_nan=False))["accuracy"]["non_inferiority"] == "refuted"


def test_flips_are_told_from_class_to_class_the_most_frequent_first() -> None:
    reference = np.array([[0, 1, 0]] * 4 + [[1, 0, 0]] * 3, float)
    candidate = np.array([[0, 1, 0]] + [[0, 0, 1]] * 2 + [[1, 0, 0]] + [[0, 1, 0]] + [[1, 0, 0]] * 2, float)
    flips = judge("int8", reference, candidate).flips
    assert [(flip.reference, flip.candidate, flip.pictures, flip.of) for flip in flips] == [
        (1, 2, 2, 4),
        (0, 1, 1, 3),
        (1, 0, 1, 4),
    ]
    assert judge("int8", reference, reference).flips == ()


def test_calibration_of_both_is_told_at_the_models_temperature(logits: npt.NDArray[np.float64]) -> None:
    labels = logits.argmax(1)
    assert judge("fp32", logits, logits).calibration is None
    cool = judge("fp32", logits, logits, labels=labels).calibration
    warm = judge("fp32", logits, logits, labels=labels, temperature=10.0).calibration
    assert cool is not None
    assert warm is not None
    # Right every time, so that the error is the doubt: none when cool, much when warm.
    assert cool.reference == cool.candidate < 0.02
    assert warm.reference > 0.3
    doubtful = judge("int8", logits, 0.1 * logits, labels=labels)
    assert doubtful.calibration is not None
    assert doubtful.calibration.candidate == pytest.approx(warm.reference)
    assert json.loads(json.dumps(doubtful.to_json(), allow_nan=False))["calibration"]["candidate"] > 0.3
