"""Intervals, bounds of counts and paired comparisons against values that can be looked up or counted."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_resnet.statistics import PairedDrop, mcnemar, poisson, poisson_tail, poisson_upper, wilson


def test_wilson_is_that_of_the_textbook() -> None:
    # Newcombe 1998, table I: 81 of 263 is 0.2553 to 0.3662.
    low, high = wilson(81, 263)
    assert (low, high) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_stays_in_range(case: tuple[int, int]) -> None:
    low, high = wilson(*case)
    assert 0 <= low <= case[0] / case[1] + 1e-12
    assert case[0] / case[1] - 1e-12 <= high <= 1


def test_mcnemar_is_the_binomial_test() -> None:
    assert mcnemar(5, 1) == pytest.approx(2 * (1 + 6) / 64)
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(3000, 3000) == 1.0


def test_without_a_flip_six_hundred_pictures_decide_half_a_point() -> None:
    assert PairedDrop(100, 0, 0).pictures_to_decide(0.005) == 598
    assert PairedDrop(598, 0, 0).upper <= 0.005
    assert PairedDrop(597, 0, 0).upper > 0.005


def test_tango_s_bound_is_that_of_his_paper() -> None:
    # Tango 1998, table: n = 44, 1 and 0 discordant... one-sided 97.5% there; the score equation is checked by itself.
    drop = PairedDrop(200, 12, 4)
    z = 1.6448536269514722
    bound = drop.upper
    b, c, n = 12, 4, 200
    a2, a1, a0 = 2 * n, -b - c + (2 * n - b + c) * bound, -c * bound * (1 - bound)
    q = (math.sqrt(a1 * a1 - 4 * a2 * a0) - a1) / (2 * a2)
    assert (b - c - n * bound) / math.sqrt(n * (2 * q + bound * (1 - bound))) == pytest.approx(-z, abs=1e-6)


@given(st.integers(1, 300), st.integers(0, 20), st.integers(0, 20))
def test_bounds_hold_the_drop_and_mirror(n: int, worse: int, better: int) -> None:
    n = max(n, worse + better)
    drop, mirrored = PairedDrop(n, worse, better), PairedDrop(n, better, worse)
    assert drop.lower - 1e-9 <= drop.drop <= drop.upper + 1e-9
    assert drop.lower == pytest.approx(-mirrored.upper)


def test_a_drop_over_the_margin_is_not_decided_by_more_pictures() -> None:
    assert PairedDrop(1000, 30, 5).pictures_to_decide(0.005) is None


@pytest.mark.parametrize(
    # Garwood 1936, as tabulated in Ulm 1990 (American Journal of Epidemiology 131:373).
    ("count", "low", "high"),
    [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (3, 0.6187, 8.7673), (10, 4.7954, 18.3904), (100, 81.364, 121.627)],
)
def test_the_interval_of_a_count_is_garwood_s(count: int, low: float, high: float) -> None:
    assert poisson(count) == (pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-3))


@pytest.mark.parametrize(("count", "most"), [(0, 2.9957), (1, 4.7439), (2, 6.2958), (10, 16.9622)])
def test_the_one_sided_bound_of_a_count_can_be_looked_up(count: int, most: float) -> None:
    assert poisson_upper(count) == pytest.approx(most, abs=1e-4)


@given(st.integers(0, 200))
def test_a_count_lies_in_its_interval_and_the_bound_between_the_count_and_its_upper_end(count: int) -> None:
    low, high = poisson(count)
    assert low <= count < poisson_upper(count) < high


def test_the_tail_of_a_count_is_that_of_its_terms() -> None:
    assert poisson_tail(2, 1.5) == pytest.approx(math.exp(-1.5) * (1 + 1.5 + 1.125))
    assert poisson_tail(5, 0.0) == 1.0
    assert poisson_tail(2000, 2000.0) == pytest.approx(0.506, abs=1e-3)
