"""Sight: when a camera is blind, since when, and when it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.cameras.measure import Seen, blocks_of
from runtime.cameras.sight import BLIND, LIVE, Sight, Turn
from runtime.config.settings import BlindnessSettings

SETTINGS = BlindnessSettings()
SHARP = 0.2


def grain(number: int) -> Seen:
    """A picture of a live sensor: every one is new. Its points are 50 blocks."""
    points = np.random.default_rng(number).integers(100, 108, (40, 80), np.uint8)
    return Seen(points, blocks_of(points), dark_level=180.0, light_level=30.0, sharpness=SHARP)


STILL = grain(0)


def ticking(number: int) -> Seen:
    """A picture that stands still but for a clock of 14 x 5 points."""
    points = STILL.points.copy()
    points[2:7, 1:15] = np.random.default_rng(number).integers(0, 255, (5, 14), np.uint8)
    return replace(STILL, points=points, blocks=blocks_of(points))


class Camera:
    """A sight that is shown pictures, and its turns."""

    def __init__(self, period_s: float = 0.2) -> None:
        self.sight = Sight(SETTINGS, 0.0)
        self.period_s = period_s
        self.turns: list[Turn] = []
        self.number = 0

    @property
    def now_s(self) -> float:
        return self.number * self.period_s

    def show(self, seconds: float, picture: Callable[[int], Seen] | None) -> Camera:
        """Pictures for `seconds`; None: nothing comes."""
        for _ in range(round(seconds / self.period_s)):
            self.number += 1
            if picture is not None:
                self.sight.came(self.now_s)
                self.sight.saw(self.now_s, picture(self.number))
            self.turns += self.sight.tick(self.now_s)
        return self

    def states(self) -> list[tuple[str, float, float]]:
        return [(turn.state, round(turn.since_s, 3), round(turn.at_s, 3)) for turn in self.turns]


def with_(**levels: float) -> Callable[[int], Seen]:
    return lambda number: replace(grain(number), **levels)  # type: ignore[arg-type]


def test_a_live_camera_stays_live() -> None:
    camera = Camera().show(120, grain)
    assert camera.states() == [("live", 0.2, 0.2)]
    assert camera.sight.trusted_until(camera.now_s) == camera.now_s


def test_before_the_first_frame_it_is_starting_and_no_alarm() -> None:
    camera = Camera().show(9.8, None)
    assert camera.turns == []
    assert (camera.sight.state, camera.sight.evidence["reason"]) == ("offline", "starting")
    assert camera.sight.trusted_until(camera.now_s) == 0.0
    camera.sight.lost(9.9, "refused", "nobody listens at 10.0.0.7:554")
    camera.show(0.4, None)
    (turn,) = camera.turns
    assert (turn.before, turn.state, turn.since_s) == ("offline", "offline", 0.0)
    assert (turn.evidence["reason"], turn.evidence["text"]) == ("refused", "nobody listens at 10.0.0.7:554")
    assert camera.show(60, None).turns == [turn]
    assert camera.sight.trusted_until(camera.now_s) == camera.now_s


def test_silence_is_stale_then_offline_since_the_last_frame_then_live_since_the_first_good_one() -> None:
    camera = Camera().show(10, grain).show(20, None).show(10, grain)
    assert camera.states() == [
        ("live", 0.2, 0.2),
        ("stale", 10.0, 13.0),
        ("offline", 10.0, 20.0),
        ("live", 30.2, 32.2),
    ]
    assert camera.turns[2].evidence["reason"] == "timeout"


def test_frames_that_come_one_by_one_do_not_make_it_live() -> None:
    camera = Camera().show(10, grain)
    for _ in range(10):
        camera.show(3.4, None).show(0.2, grain)
    assert [state for state, _, _ in camera.states()] == ["live", "stale"]


def test_the_last_frame_told_again_is_no_frame() -> None:
    camera = Camera().show(10, grain)
    camera.sight.lost(10.1, "gone", "it has ended")
    for _ in range(100):
        camera.sight.came(10.0)
        camera.show(0.2, None)
    assert [state for state, _, _ in camera.states()] == ["live", "stale", "offline"]
    assert camera.turns[2].evidence["reason"] == "gone"
    # A length of time, from 10.1 to 20.0: the moments of a clock mean nothing outside of this run.
    assert "lost_s" not in camera.turns[2].evidence
    assert camera.turns[2].evidence["down_s"] == pytest.approx(9.9)
    camera.sight.came(10.0)
    assert camera.sight.trusted_until(camera.now_s) == camera.now_s


def test_it_is_certain_of_silence_only_when_it_cannot_become_another_kind() -> None:
    camera = Camera().show(10, grain).show(8, None)
    assert (camera.sight.state, camera.sight.trusted_until(18.0)) == ("stale", 10.0)
    camera.show(4, None)
    assert (camera.sight.state, camera.sight.trusted_until(22.0)) == ("offline", 22.0)
    camera.show(1, grain)
    assert camera.sight.state == "offline"
    assert camera.sight.trusted_until(23.0) == pytest.approx(22.2)
    camera.show(4, None)
    assert (camera.sight.state, camera.sight.trusted_until(27.0)) == ("offline", 27.0)


@pytest.mark.parametrize("picture", [lambda number: STILL, ticking], ids=["all of it", "but for a clock"])
def test_frozen_since_the_first_of_the_identical_pictures(picture: Callable[[int], Seen]) -> None:
    camera = Camera().show(20, grain).show(29.8, picture)
    assert camera.sight.state == LIVE
    # The suspicion holds back what is certain.
    assert camera.sight.trusted_until(camera.now_s) == pytest.approx(20.2)
    camera.show(20, picture).show(10, grain)
    assert camera.states()[1:] == [("frozen", 20.2, 50.2), ("live", 70.0, 72.0)]


def test_an_encoder_that_refreshes_the_same_picture_is_frozen_too() -> None:
    """Its pixels differ within a group of pictures, but come again in every one."""
    camera = Camera().show(20, grain).show(60, lambda number: grain(number % 10))
    assert camera.states()[1:] == [("frozen", 22.0, 52.0)]


def test_a_quiet_scene_that_is_refreshed_every_ten_seconds_is_live() -> None:
    camera = Camera().show(200, lambda number: grain(number // 50))
    assert [state for state, _, _ in camera.states()] == [LIVE]


def test_a_still_picture_of_which_a_tenth_moves_is_live() -> None:
    def partly(number: int) -> Seen:
        points = STILL.points.copy()
        points[:, :8] = grain(number).points[:, :8]
        return replace(STILL, points=points, blocks=blocks_of(points))

    assert [state for state, _, _ in Camera().show(100, partly).states()] == [LIVE]


@pytest.mark.parametrize(
    ("picture", "state", "after_s"),
    [
        (with_(dark_level=15.0, light_level=0.0, sharpness=0.0), "black", 5.0),
        (with_(dark_level=255.0, light_level=240.0, sharpness=0.0), "overexposed", 5.0),
        (with_(sharpness=0.24 * SHARP), "out_of_focus", 10.0),
    ],
)
def test_what_is_wrong_with_pictures_is_found_and_left_again(
    picture: Callable[[int], Seen], state: str, after_s: float
) -> None:
    camera = Camera().show(20, grain).show(after_s, picture)
    assert camera.sight.state == LIVE
    assert camera.sight.trusted_until(camera.now_s) == pytest.approx(20.2)
    camera.show(1, grain)
    assert camera.sight.trusted_until(camera.now_s) == camera.now_s
    camera.show(30, picture).show(1, grain).show(1, picture).show(5, grain)
    assert camera.states()[1:] == [
        (state, round(21.2 + after_s, 3), round(21.2 + 2 * after_s, 3)),
        (LIVE, round(53.2 + after_s, 3), round(55.2 + after_s, 3)),
    ]
    assert camera.turns[1].evidence


@pytest.mark.parametrize("sharpness", [0.3 * SHARP, 0.9 * SHARP])
def test_a_little_less_sharp_is_in_focus(sharpness: float) -> None:
    assert [state for state, _, _ in Camera().show(20, grain).show(60, with_(sharpness=sharpness)).states()] == [LIVE]


def test_a_camera_that_begins_covered_is_found() -> None:
    camera = Camera().show(20, with_(sharpness=0.005))
    assert camera.states() == [("live", 0.2, 0.2), ("out_of_focus", 0.2, 10.2)]


def test_blur_is_never_learnt_as_usual() -> None:
    camera = Camera(2.0).show(20, grain).show(20_000, with_(sharpness=0.2 * SHARP)).show(10, grain)
    assert [state for state, _, _ in camera.states()] == [LIVE, "out_of_focus", LIVE]


def test_what_is_slow_is_learnt_as_usual() -> None:
    camera = Camera(2.0).show(20, grain)
    for step in range(40):
        camera.show(600, with_(sharpness=SHARP * 0.95**step))
    assert [state for state, _, _ in camera.states()] == [LIVE]


def test_the_greater_evil_is_told() -> None:
    black = replace(STILL, dark_level=3.0, light_level=0.0, sharpness=0.0)
    camera = Camera().show(20, grain).show(60, lambda number: black).show(15, None).show(60, grain)
    assert [state for state, _, _ in camera.states()] == ["live", "black", "stale", "offline", "live"]


def test_what_was_seen_before_a_silence_does_not_count_after_it() -> None:
    camera = Camera().show(20, grain).show(4, with_(dark_level=3.0)).show(4, None).show(4, with_(dark_level=3.0))
    assert "black" not in [state for state, _, _ in camera.states()]
    assert camera.show(4, with_(dark_level=3.0)).sight.state == "black"


def test_a_gap_between_frames_that_no_tick_saw_counts_too() -> None:
    camera = Camera().show(20, grain).show(4, with_(dark_level=3.0))
    camera.number += 20
    assert camera.show(4, with_(dark_level=3.0)).sight.state == LIVE


def test_a_camera_of_which_no_picture_is_measured_any_more_does_not_hold_back_the_time() -> None:
    camera = Camera().show(20, grain).show(2, with_(dark_level=3.0))
    for number in range(200):
        camera.sight.came(22.0 + number / 10)
        camera.turns += camera.sight.tick(22.0 + number / 10)
    assert camera.sight.trusted_until(42.0) == pytest.approx(41.9)


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["nothing", "lost", "grain", "still", "dark", "light", "soft", "frame"]),
        st.floats(0.2, 40.0),
        st.floats(0.1, 4.0),
    ),
    max_size=12,
)


@given(ACTS)
def test_turns_join_and_never_reach_back_behind_what_was_certain(acts: Iterable[tuple[str, float, float]]) -> None:
    sight, now_s, number, certain_s = Sight(SETTINGS, 0.0), 0.0, 0, 0.0
    state, since_s = sight.state, 0.0
    pictures: dict[str, Callable[[int], Seen]] = {
        "grain": grain,
        "still": lambda number: STILL,
        "dark": with_(dark_level=1.0),
        "light": with_(light_level=250.0),
        "soft": with_(sharpness=0.001),
    }
    for act, length_s, step_s in acts:
        for _ in range(int(length_s / step_s)):
            now_s, number = now_s + step_s, number + 1
            if act == "lost":
                sight.lost(now_s, "refused", "")
            elif act != "nothing":
                sight.came(now_s)
                if act in pictures:
                    sight.saw(now_s, pictures[act](number))
            for turn in sight.tick(now_s):
                assert turn.before == state
                assert turn.state in (LIVE, *BLIND)
                assert since_s <= turn.since_s <= turn.at_s == now_s
                assert turn.since_s >= certain_s
                state, since_s = turn.state, turn.since_s
            assert sight.trusted_until(now_s) <= now_s
            certain_s = max(certain_s, sight.trusted_until(now_s))
            assert sight.state == state
