"""Batches: several under way at once, a camera's shots in order, what is tried again when an engine has failed."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from runtime.batcher import Batcher, Limits
from runtime.cameras.shot import Shot
from runtime.sources.frame import Frame

PICTURE = np.zeros((8, 8, 3), np.uint8)


@dataclass
class Fed:
    """A stand-in for a channel whose shots wait as the test says."""

    name: str
    shots: list[Shot] = field(default_factory=list)
    expected: bool = True
    in_time: bool = True
    old: bool = False
    camera: Any = field(init=False)

    def __post_init__(self) -> None:
        self.camera = SimpleNamespace(take=self._take, waiting_since_s=None, stop=lambda: None)

    def feed(self, at_s: float) -> None:
        self.shots.append(Shot(Frame(PICTURE, at_s, 0, at_s, self.name), None, PICTURE))
        self.camera.waiting_since_s = at_s

    def admit(self, shot: Shot, now_s: float) -> bool:
        return not self.old

    def too_old(self, shot: Shot, now_s: float, reason: str) -> bool:
        return self.old

    def _take(self) -> Shot | None:
        self.camera.waiting_since_s = None
        return self.shots.pop() if self.shots else None


class Engine:
    """A stand-in for the inference: takes so many batches, and answers none by itself."""

    def __init__(self, requests: int) -> None:
        self.requests, self.given = requests, list[int]()
        self.under_way = 0

    @property
    def free(self) -> int:
        return self.requests - self.under_way

    def submit(self, frames: Any) -> int:
        self.under_way += 1
        self.given.append(len(frames))
        return len(self.given) - 1


class Desk:
    """A batcher with its cameras, at an hour of its own."""

    def __init__(self, *names: str, requests: int = 2, limits: Limits | None = None) -> None:
        self.channels, self.engine, self.now_s = {name: Fed(name) for name in names}, Engine(requests), 100.0
        self.passed: list[str] = []
        self.bell = threading.Event()
        self.batcher = Batcher(
            self.channels,  # type: ignore[arg-type]
            self.engine,  # type: ignore[arg-type]
            lambda channel, shot: self.passed.append(channel.name),
            self.bell,
            limits or Limits(max_batch=2),
            lambda: self.now_s,
        )

    def feed(self, *names: str) -> None:
        for name in names:
            self.channels[name].feed(self.now_s)

    def submit(self) -> list[int]:
        """The sizes of the batches that were given now."""
        before = len(self.engine.given)
        self.batcher.submit()
        return self.engine.given[before:]

    def answer(self, number: int) -> list[str]:
        self.engine.under_way -= 1
        return [channel.name for channel, _ in self.batcher.answered(number).shots]


def test_batches_are_given_while_the_engine_takes_more() -> None:
    desk = Desk("a", "b", "c", "d", "e", limits=Limits(max_batch=2))
    desk.feed("a", "b", "c", "d", "e")
    assert desk.submit() == [2, 2]
    # The fifth waits for a request, not for others.
    desk.now_s += 1.0
    assert desk.submit() == []
    assert desk.batcher.patience_s(desk.now_s) == float("inf")
    assert desk.answer(1) == ["c", "d"]
    assert desk.submit() == [1]


def test_of_several_requests_the_first_is_given_what_there_is_and_beside_it_a_batch_gathers() -> None:
    desk = Desk("a", "b", "c", "d", "e", "f", limits=Limits(max_batch=3))
    desk.feed("a", "b")
    assert desk.submit() == [2]
    desk.feed("c", "d")
    assert desk.submit() == []
    assert 0.0 < desk.batcher.patience_s(desk.now_s) <= 0.05
    desk.feed("e")
    assert desk.submit() == [3]


def test_what_gathers_beside_another_batch_is_given_after_a_while_or_when_nobody_else_is_expected() -> None:
    desk = Desk("a", "b", "c")
    desk.feed("a")
    assert desk.submit() == [1]
    desk.feed("b")
    assert desk.submit() == []
    desk.now_s += 0.051
    assert desk.submit() == [1]
    desk.answer(0)
    # Of the others, one is at the engine and one does not come.
    desk.channels["c"].expected = False
    desk.feed("a")
    assert desk.submit() == [1]


def test_beside_nothing_a_batch_gathers_too_until_the_engine_has_rested_as_long_as_a_frame_may_wait() -> None:
    desk = Desk("a", "b", "c", limits=Limits(max_batch=3, max_wait_s=0.05))
    desk.feed("a")
    assert desk.submit() == [1]
    desk.answer(0)
    assert desk.batcher.patience_s(desk.now_s) == float("inf")
    desk.now_s += 0.03
    desk.feed("b")
    assert desk.submit() == []
    assert desk.batcher.patience_s(desk.now_s) == pytest.approx(0.02)
    desk.now_s += 0.021
    assert desk.submit() == [1]
    desk.answer(1)
    # It has power to spare.
    desk.now_s += 0.06
    desk.feed("a")
    assert desk.submit() == [1]


def test_where_one_frame_at_once_is_best_nobody_waits_for_others() -> None:
    desk = Desk("a", "b", "c", limits=Limits(max_batch=1))
    desk.feed("a", "b")
    assert desk.submit() == [1, 1]


def test_of_a_camera_one_shot_is_looked_at_at_a_time() -> None:
    desk = Desk("a", "b")
    desk.feed("a")
    desk.now_s += 1.0
    assert desk.submit() == [1]
    desk.feed("a")
    desk.now_s += 1.0
    assert desk.submit() == []
    assert desk.batcher.patience_s(desk.now_s) == float("inf")
    assert desk.answer(0) == ["a"]
    assert desk.submit() == [1]
    assert desk.answer(1) == ["a"]
    assert desk.batcher.idle


def test_a_shot_waits_for_others_that_are_expected_and_not_for_ever() -> None:
    desk = Desk("a", "b", requests=1)
    desk.feed("a")
    assert desk.submit() == []
    assert 0.0 < desk.batcher.patience_s(desk.now_s) <= 0.05
    desk.now_s += 0.051
    assert desk.submit() == [1]
    desk.answer(0)
    # Nobody else is expected.
    desk.channels["a"].expected = False
    desk.feed("b")
    assert desk.submit() == [1]


def test_what_a_failed_engine_had_is_given_to_the_next_unless_it_is_too_old() -> None:
    desk = Desk("a", "b", "c", "d")
    desk.feed("a", "b", "c", "d")
    assert desk.submit() == [2, 2]
    desk.engine.under_way = 0
    assert desk.batcher.failed() == []
    assert not desk.batcher.idle
    desk.channels["a"].old = True
    desk.feed("b")
    assert desk.submit() == [1, 2]
    assert desk.answer(2) == ["b"]
    assert desk.answer(3) == ["c", "d"]


def test_a_batch_that_several_engines_could_not_answer_is_given_up() -> None:
    desk = Desk("a")
    desk.feed("a")
    for _ in range(2):
        desk.submit()
        desk.engine.under_way = 0
        assert desk.batcher.failed() == []
    desk.submit()
    desk.engine.under_way = 0
    (tired,) = desk.batcher.failed()
    assert [channel.name for channel, _ in tired.shots] == ["a"]
    assert desk.batcher.idle


@pytest.mark.parametrize("due", [True, False])
def test_a_shot_that_is_not_looked_at_is_passed_on(due: bool) -> None:
    desk = Desk("a")
    desk.feed("a")
    desk.channels["a"].old = due
    if not due:
        desk.channels["a"].shots[0] = replace(desk.channels["a"].shots[0], input=None)
    assert desk.submit() == []
    assert desk.passed == ["a"]
    assert desk.batcher.idle
    # Its next frame may wait already, and of that nobody else tells.
    assert desk.bell.is_set()


def test_where_not_all_are_served_at_once_each_has_its_turn() -> None:
    desk = Desk("a", "b", "c", requests=1, limits=Limits(max_batch=1))
    served = []
    for number in range(6):
        desk.feed("a", "b", "c")
        desk.submit()
        served += desk.answer(number)
    assert served == ["a", "b", "c"] * 2


def test_a_camera_that_takes_the_name_of_one_that_was_removed_is_new() -> None:
    desk = Desk("a", "b", requests=1, limits=Limits(max_batch=1))
    for number in range(2):
        desk.feed("a", "b")
        desk.submit()
        desk.answer(number)
    # It would be the turn of a.
    desk.batcher.forget("b")
    desk.feed("a", "b")
    desk.submit()
    assert desk.answer(2) == ["b"]
