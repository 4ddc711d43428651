"""The gate: what opens it, what does not, and that it never stays shut for long."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from runtime.cameras.gate import Decision, Gate, always_open
from runtime.cameras.mask import Mask
from runtime.config.settings import GateSettings
from runtime.sources.frame import Image

SETTINGS = GateSettings(enabled=True)
HEARTBEAT_S = 10.0
_SCENE = np.random.default_rng(3).integers(40, 200, (9, 16)).repeat(10, 0).repeat(10, 1)


def street(number: int, sigma: float = 2.0) -> Image:
    """A quiet street with a sensor's noise, 90 x 160."""
    return np.clip(_SCENE + np.random.default_rng(number).normal(0, sigma, _SCENE.shape), 0, 255).astype(np.uint8)


def with_person(number: int) -> Image:
    """Somebody of 12 x 5 points walks by."""
    picture = street(number)
    x = 2 * number % 150
    picture[40:52, x : x + 5] = np.where(picture[40:52, x : x + 5] > 127, 20, 230)
    return picture


class Watch:
    """A gate that is shown 5 pictures a second."""

    def __init__(self, gate: Gate, period_s: float = 0.2) -> None:
        self.gate = gate
        self.period_s = period_s
        self.number = 0

    def show(self, seconds: float, picture: Callable[[int], Image]) -> list[Decision]:
        decisions = []
        for _ in range(round(seconds / self.period_s)):
            self.number += 1
            decisions.append(self.gate.opens(self.number * self.period_s, picture(self.number)))
        return decisions


@pytest.fixture
def watch() -> Watch:
    return Watch(Gate(SETTINGS, HEARTBEAT_S))


@pytest.mark.parametrize("sigma", [0.0, 2.0, 6.0])
def test_where_nothing_moves_only_the_heartbeat_is_looked_at(watch: Watch, sigma: float) -> None:
    decisions = watch.show(61, lambda number: street(number, sigma))
    assert [each.why for each in decisions if each.open] == ["first"] + ["heartbeat"] * 6
    assert all(each.why == "still" for each in decisions if not each.open)


@pytest.mark.parametrize("period_s", [0.1, 1.0])
def test_somebody_opens_it_at_once_and_holds_it_open(period_s: float) -> None:
    watch = Watch(Gate(SETTINGS, HEARTBEAT_S), period_s)
    watch.show(31, street)
    walks = watch.show(5, with_person)
    assert {each.why for each in walks} == {"motion"}
    after = watch.show(9, street)
    assert sum(each.open for each in after) == pytest.approx(5.0 / period_s, abs=2)


def test_it_holds_open_for_what_a_look_found_even_if_it_stands_still(watch: Watch) -> None:
    watch.show(31, street)
    watch.gate.found(31.0)
    decisions = watch.show(7, street)
    assert [each.why for each in decisions[:24]] == ["held"] * 24
    assert not decisions[-1].open


def test_light_that_goes_on_is_one_look_and_no_motion(watch: Watch) -> None:
    watch.show(31, street)
    lit = watch.show(5, lambda number: 255 - street(number))
    assert lit[0].why == "lightning"
    assert lit[0].open
    assert lit[0].moved > SETTINGS.lightning
    assert [each.why for each in lit[1:] if each.open and each.why != "heartbeat"] == []
    # It sees motion in the new light.
    assert watch.show(0.2, lambda number: 255 - with_person(number))[0].why == "motion"


def test_slow_smoke_is_absorbed_but_not_unnoticed(watch: Watch) -> None:
    """A ramp of a third of the picture to grey over ten minutes never is motion: the heartbeat is what sees it."""

    def smoke(number: int) -> Image:
        thick = min(1.0, number * 0.2 / 600.0)
        picture = street(number).astype(np.float64)
        picture[:, 50:100] += thick * (150.0 - picture[:, 50:100])
        return picture.astype(np.uint8)

    decisions = watch.show(600, smoke)
    assert not [each for each in decisions if each.why in ("motion", "lightning")]
    opened = [place for place, each in enumerate(decisions) if each.open]
    assert max(np.diff(opened)) * 0.2 <= HEARTBEAT_S + 1e-6


def test_what_moves_under_a_mask_does_not_count() -> None:
    masked = Watch(Gate(SETTINGS, HEARTBEAT_S, Mask([[(0.0, 0.4), (1.0, 0.4), (1.0, 0.6), (0.0, 0.6)]])))
    masked.show(31, street)
    assert not [each for each in masked.show(5, with_person) if each.why == "motion"]


def test_the_night_is_stretched_until_somebody_can_be_seen(watch: Watch) -> None:
    watch.show(31, lambda number: (street(number) / 6).astype(np.uint8))
    assert watch.show(0.2, lambda number: (with_person(number) / 6).astype(np.uint8))[0].why == "motion"


def test_the_noise_of_darkness_is_not_stretched_into_motion(watch: Watch) -> None:
    def dark(number: int) -> Image:
        return np.clip(np.random.default_rng(number).normal(8, 1, _SCENE.shape), 0, 255).astype(np.uint8)

    assert not [each for each in watch.show(30, dark) if each.why == "motion"]


def test_another_size_of_picture_is_a_new_background(watch: Watch) -> None:
    watch.show(31, street)
    assert watch.show(0.2, lambda number: street(number)[:, :120])[0].why == "first"


def test_it_is_left_out_where_it_is_off_or_an_alarm_is_never_gated() -> None:
    settings = GateSettings(enabled=True, never_for=("smoke",))
    assert always_open(GateSettings(), ())
    assert always_open(settings, {"fire", "smoke"})
    assert not always_open(settings, {"fire"})


def test_it_says_when_it_opens_at_the_latest_for_frames_may_come_later_than_those_before(watch: Watch) -> None:
    gate = watch.gate
    assert [gate.opens(time_s, street(0)).why for time_s in (2.0, 4.0, 6.0, 8.0, 10.0)] == ["first"] + ["still"] * 4
    assert gate.opens_by_s == 12.0
    assert gate.opens(12.0, street(0)).why == "heartbeat"


def test_what_it_opened_for_and_was_never_looked_at_another_frame_stands_for(watch: Watch) -> None:
    gate = watch.gate
    assert [gate.opens(time_s, street(0)).why for time_s in (2.0, 7.0, 12.0, 13.0)][2:] == ["heartbeat", "still"]
    # It has opened since.
    gate.missed(2.0)
    assert gate.opens(14.0, street(0)).why == "still"
    gate.missed(12.0)
    assert [gate.opens(time_s, street(0)).why for time_s in (15.0, 16.0)] == ["heartbeat", "still"]
