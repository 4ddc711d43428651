"""Overload: rates go down evenly and come back, and both are said once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from runtime.balance import Balance
from runtime.config.settings import CameraSettings
from runtime.pace import Pace
from runtime.service.lines import Lines


@dataclass
class Looked:
    """A stand-in for a channel that wants so many looks a second."""

    name: str
    wanted: float
    in_time: bool = True
    given: float = 0
    lost: float = 0
    camera: Any = field(init=False)
    settings: CameraSettings = field(init=False)

    def __post_init__(self) -> None:
        self.settings = CameraSettings(detect="rtsp://yard/1", rate=self.wanted, heartbeat=10.0)
        self.camera = type("Camera", (), {"looks": Pace(self.wanted)})()

    @property
    def rate(self) -> float:
        return float(self.camera.looks.rate_per_s)


class Box:
    """A box that manages so many looks a second, watched second by second."""

    def __init__(self, manages: float, *channels: Looked) -> None:
        self.manages, self.channels, self.now_s = manages, {each.name: each for each in channels}, 0.0
        self.said: list[str] = []
        self.balance = Balance(self.channels, Lines(self.said.append))  # type: ignore[arg-type]

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            live = [each for each in self.channels.values() if each.in_time]
            asked = sum(each.rate for each in live)
            managed = min(1.0, self.manages / asked)
            for each in live:
                each.given += each.rate * managed
                each.lost += each.rate * (1.0 - managed)
            self.now_s += 1.0
            self.balance.look(self.now_s)


def test_a_box_that_keeps_up_gives_what_is_wanted_and_says_nothing() -> None:
    box = Box(100.0, Looked("yard", 5.0), Looked("hall", 10.0))
    box.run(20)
    assert [each.rate for each in box.channels.values()] == [5.0, 10.0]
    assert not box.said
    assert not box.balance.overloaded


def test_all_give_up_looks_evenly_but_not_one_that_wants_less_anyway() -> None:
    box = Box(21.0, Looked("gate", 1.0), Looked("yard", 20.0), Looked("hall", 20.0))
    box.run(60)
    gate, yard, hall = box.channels.values()
    assert gate.rate == 1.0
    assert yard.rate == pytest.approx(hall.rate)
    assert 8.0 < yard.rate < 11.0
    assert box.balance.overloaded
    assert len(box.said) == 1
    assert "overloaded" in box.said[0]


def test_when_the_load_is_gone_all_comes_back_and_that_is_said_too() -> None:
    box = Box(10.0, Looked("yard", 20.0))
    box.run(30)
    box.manages = 100.0
    box.run(60)
    assert box.channels["yard"].rate == 20.0
    assert "no longer" in box.said[-1]
    assert len(box.said) == 2


def test_a_look_each_heartbeat_is_left_however_little_the_box_manages() -> None:
    box = Box(0.01, Looked("yard", 20.0))
    box.run(200)
    assert box.channels["yard"].rate == pytest.approx(0.1)


def test_files_keep_their_rate() -> None:
    box = Box(1.0, Looked("yard", 20.0), Looked("clip.avi", 5.0, in_time=False))
    box.run(20)
    assert box.channels["clip.avi"].rate == 5.0


def test_a_second_without_an_engine_is_no_measure() -> None:
    box = Box(100.0, Looked("yard", 20.0))
    box.run(5)
    box.channels["yard"].lost += 1000
    box.balance.skip()
    box.run(5)
    assert not box.said
