"""The ladder as the watch climbs it: which cameras an alarm wakes, and that each camera may go on."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.attention import Reason, Rung
from runtime.balance import Balance
from runtime.cameras.shot import Shot
from runtime.channel import Channel, Found
from runtime.config.attention import LadderSettings
from runtime.events.event import Event
from runtime.events.near_miss import NearMiss
from runtime.ladder import Ladder
from runtime.service.lines import Lines
from runtime.sources.frame import Frame
from tests.unit.runtime.looked import Looked, climber
from tests.unit.runtime.notices import event
from tests.unit.runtime.stored import miss

PICTURE = np.zeros((8, 8, 3), np.uint8)
HOLD_S = LadderSettings().hold


class Town:
    """Cameras of two sites, one without a site, one whose file is read beside them, and one without a ladder."""

    def __init__(self) -> None:
        cameras = [climber(name) for name in ("yard/gate", "yard/door", "depot/gate", "roof", "shed")]
        cameras += [climber("yard/clip", in_time=False), Looked("yard/street", 5.0)]
        self.cameras = {each.name: each for each in cameras}
        self.channels: dict[str, Channel] = dict(self.cameras)
        self.now_s = 100.0
        self.balance = Balance(self.channels, Lines(lambda line: None), worked=lambda: 0.0)
        self.ladder = Ladder(self.channels, self.balance, lambda: self.now_s)

    def judge(self, camera: str, *found: Event | NearMiss) -> None:
        """A look of this camera, taken a second ago, is answered."""
        self.ladder.judged(self.cameras[camera], self.shot(camera), [Found(each) for each in found])

    def shot(self, camera: str, due: bool = True) -> Shot:
        frame = Frame(PICTURE, self.now_s - 1.0, 0, self.now_s - 1.0, camera)
        return Shot(frame, None, PICTURE if due else None)

    def watched(self) -> dict[str, Reason | None]:
        """Who is watched, and what for."""
        return {name: each.ladder.reason for name, each in self.cameras.items() if each.watched}


@pytest.fixture
def town() -> Town:
    return Town()


def test_an_alarm_wakes_the_other_live_cameras_of_its_site_at_once(town: Town) -> None:
    town.judge("yard/gate", event("yard/gate"))
    assert town.watched() == {"yard/door": Reason.SITE}
    assert town.cameras["yard/door"].rate == 5.0


def test_an_alarm_of_a_camera_without_a_ladder_wakes_its_site_too(town: Town) -> None:
    town.judge("yard/street", event("yard/street"))
    assert set(town.watched()) == {"yard/gate", "yard/door"}


def test_it_holds_from_the_moment_at_which_the_alarm_was_raised(town: Town) -> None:
    town.judge("yard/gate", event("yard/gate"))
    town.balance.look(100.0 + HOLD_S)
    assert town.watched() == {"yard/door": Reason.SITE}
    town.balance.look(100.1 + HOLD_S)
    assert town.watched() == {}


def test_cameras_that_belong_to_no_site_do_not_wake_each_other(town: Town) -> None:
    town.judge("roof", event("roof"))
    assert town.watched() == {}


def test_neither_an_alarm_that_is_over_nor_a_near_miss_wakes_anybody(town: Town) -> None:
    town.judge("yard/gate", event("yard/gate", ended_s=9.0), miss())
    town.judge("yard/gate")
    assert town.watched() == {}


def test_a_look_turns_its_own_camera_by_the_time_of_its_frame_and_lets_it_go_on(town: Town) -> None:
    gate = town.cameras["yard/gate"]
    gate.ladder.looked(99.0, 1.0, held=False)
    town.judge("yard/gate")
    assert town.watched() == {"yard/gate": Reason.EVIDENCE}
    assert gate.camera.answers == 1
    # At 99 and `hold` it is over, and not when the answer came.
    town.now_s = 100.1 + HOLD_S
    town.judge("yard/gate")
    assert town.watched() == {}
    assert gate.camera.answers == 2


@pytest.mark.parametrize("due", [True, False])
def test_what_is_not_looked_at_lets_a_reason_end_where_a_look_was_due(town: Town, due: bool) -> None:
    gate = town.cameras["yard/gate"]
    gate.ladder.moved(99.0)
    town.judge("yard/gate")
    town.now_s = 100.1 + HOLD_S
    town.ladder.passed(gate, town.shot("yard/gate", due))
    assert gate.ladder.granted is (Rung.GLANCE if due else Rung.WATCH)
    assert gate.camera.answers == 2
