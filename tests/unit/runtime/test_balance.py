"""Overload: cameras are watched less closely, rates go down evenly, all comes back, and both are said once."""

from __future__ import annotations

from collections import Counter

import pytest

from runtime.attention import Attention, Reason, Rung
from runtime.balance import Balance
from runtime.config.attention import LadderSettings
from runtime.service.lines import Lines
from tests.unit.runtime.looked import Looked, climber


class Box:
    """A box that manages so many looks a second, watched second by second.

    `decodes`: of so many cameras it can decode all frames; of more, as large a share of all looks is lost. `reads`: the
    share of the processor's time that reading takes, whatever is read; `works`: of the time that the engine does.
    """

    def __init__(
        self, manages: float, *channels: Looked, decodes: float = 1e9, reads: float = 0.6, works: float = 0.6
    ) -> None:
        self.manages, self.channels, self.now_s = manages, {each.name: each for each in channels}, 0.0
        self.decodes, self.reads = decodes, reads
        self.said: list[str] = []
        self.balance = Balance(
            self.channels, Lines(self.said.append), worked=lambda: works * self.now_s, cpu=lambda: self.now_s
        )

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            live = [each for each in self.channels.values() if each.in_time]
            asked = sum(each.rate for each in live)
            decoded = sum(each.watched for each in live)
            managed = min(1.0, self.manages / asked, self.decodes / max(1, decoded))
            for each in live:
                each.camera.cpu_s["decode"] += self.reads / len(live)
                each.looks += each.rate * managed
                each.camera.dropped["superseded"] += each.rate * (1.0 - managed)
            self.now_s += 1.0
            self.balance.look(self.now_s)

    def watched(self) -> list[str]:
        return [name for name, each in self.channels.items() if each.watched]


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
    box.channels["yard"].camera.dropped["late"] += 1000
    box.balance.skip()
    box.run(5)
    assert not box.said


def test_a_camera_gets_the_rung_that_it_wants_while_the_box_keeps_up() -> None:
    yard, hall, gate = climber("yard"), climber("hall"), climber("gate")
    box = Box(100.0, yard, hall, gate)
    hall.arms = False
    yard.give(Reason.MOTION, until_s=8.0)
    box.run(5)
    assert [each.ladder.granted for each in (yard, hall, gate)] == [
        Rung.WATCH,
        Rung.ASLEEP,
        Rung.GLANCE,
    ]
    assert [each.rate for each in (yard, hall, gate)] == [5.0, 0.1, 1.0]
    box.run(5)
    assert box.watched() == []
    assert yard.rate == 1.0
    assert not box.said


def test_a_look_is_answered_at_once_and_not_only_with_the_next_second() -> None:
    yard = climber("yard")
    box = Box(100.0, yard)
    box.run(2)
    yard.ladder.looked(2.1, 1.0, held=False)
    box.balance.turned(yard, 2.1)
    assert (yard.watched, yard.rate) == (True, 5.0)


def test_too_many_are_watched_then_the_least_reasons_go_back_to_glances_and_none_loses_looks() -> None:
    reasons = [Reason.MOTION, Reason.EVIDENCE, Reason.SITE, Reason.MOTION, Reason.OPERATOR, Reason.EVIDENCE]
    cameras = [climber(f"{place}").give(reason) for place, reason in enumerate(reasons)]
    box = Box(1000.0, *cameras, decodes=3.0)
    box.run(1)
    assert len(box.watched()) == 6
    most = []
    for _ in range(60):
        box.run(1)
        most.append(box.watched())
    # Those with evidence always, then who the operator wants.
    assert all({"1", "5"} <= set(each) for each in most)
    assert all(len(each) <= 4 for each in most[5:])
    assert ["1", "4", "5"] in most
    assert {rate for camera in cameras if (rate := camera.rate)} <= {1.0, 5.0}
    assert len(box.said) == 1
    assert "not every camera is watched" in box.said[0]


def test_places_come_back_when_there_is_power_again() -> None:
    box = Box(1000.0, *(climber(str(place)).give(Reason.MOTION) for place in range(6)), decodes=2.0)
    box.run(1)
    assert not any(camera.camera.patient for camera in box.channels.values())
    box.run(29)
    assert 1 <= len(box.watched()) <= 3
    # What was passed over is not decoded in one go for who has a place now.
    assert all(camera.camera.patient for camera in box.channels.values())
    box.decodes = 100.0
    box.run(60)
    assert len(box.watched()) == 6
    assert not any(camera.camera.patient for camera in box.channels.values())
    assert not box.balance.overloaded
    assert "no longer" in box.said[-1]
    assert len(box.said) == 2


def test_places_that_nobody_wants_any_more_are_no_overload() -> None:
    box = Box(1000.0, *(climber(str(place)) for place in range(6)), decodes=2.0)
    for _ in range(12):
        for camera in box.channels.values():
            camera.ladder.moved(box.now_s)
        box.run(1)
    assert box.balance.overloaded
    for seconds in (0.0, 10.0):
        for camera in box.channels.values():
            camera.ladder.still(box.now_s + seconds)
    box.run(2)
    assert not box.balance.overloaded


def test_the_last_camera_that_is_watched_stays_so_and_then_looks_are_given_up() -> None:
    yard = climber("yard").give(Reason.EVIDENCE)
    box = Box(2.5, yard)
    box.run(60)
    assert box.watched() == ["yard"]
    assert 1.5 < yard.rate < 3.0
    assert "every camera gets fewer looks" in box.said[0]
    box.manages = 100.0
    box.run(60)
    assert yard.rate == 5.0
    assert not box.balance.overloaded


def test_when_glances_alone_are_too_many_all_get_fewer_but_one_each_heartbeat() -> None:
    cameras = [climber(str(place)) for place in range(50)]
    box = Box(20.0, *cameras)
    box.run(120)
    assert sum(camera.rate for camera in cameras) < 25.0
    box.manages = 0.5
    box.run(300)
    assert all(camera.rate == pytest.approx(0.1) for camera in cameras)


def test_files_are_never_taken_down_and_take_nobodys_place() -> None:
    reasons = [Reason.EVIDENCE, Reason.MOTION, Reason.EVIDENCE, Reason.MOTION]
    files = [climber(f"{place}.mp4", in_time=False).give(reason) for place, reason in enumerate(reasons)]
    for each in files:
        each.turn(0.0)
    live = [climber(str(place)).give(Reason.SITE) for place in range(4)]
    box = Box(1000.0, *files, *live, decodes=2.0)
    for _ in range(40):
        box.run(1)
        assert all(each.watched for each in files)
        assert any(each.watched for each in live)
    assert box.balance.overloaded


def test_cameras_whose_frames_cannot_be_passed_over_keep_their_rate_beside_a_ladder() -> None:
    gate = Looked("gate", 5.0)
    box = Box(1000.0, gate, *(climber(str(place)).give(Reason.MOTION) for place in range(6)), decodes=2.0)
    box.run(60)
    assert gate.rate == 5.0


def full(name: str) -> Looked:
    """One that is to be watched all the time, and whose frames can be passed over."""
    camera = Looked(name, 5.0)
    camera.attention = Attention(camera.settings.ladder, 5.0, 10.0, always=True)
    return camera


def test_of_more_cameras_than_can_be_decoded_each_has_its_turn_and_glances_else() -> None:
    cameras = [full(f"camera{number}") for number in range(12)]
    box, seen = Box(1000.0, *cameras, decodes=4.0), set[str]()
    for second in range(120):
        box.run(1)
        if second > 10:
            assert 1 <= len(box.watched()) <= 6
            seen |= set(box.watched())
    assert len(seen) == 12
    # None of them loses looks: those that are watched get five a second, the others a key frame's.
    assert {camera.rate for camera in cameras} == {1.0, 5.0}


@pytest.mark.parametrize("short", [{"reads": 0.2}, {"works": 0.95}])
def test_where_the_network_is_what_the_box_is_short_of_looks_are_given_up_and_no_place(short: dict[str, float]) -> None:
    cameras = [full("gate"), full("door"), climber("yard").give(Reason.EVIDENCE), climber("hall").give(Reason.MOTION)]
    box = Box(12.0, *cameras, **short)
    box.run(60)
    assert len(box.watched()) == 4
    gate, door, yard, hall = cameras
    assert yard.rate == 5.0
    assert gate.rate == pytest.approx(door.rate) == pytest.approx(hall.rate)
    assert 1.0 < gate.rate < 3.5
    assert "every camera gets fewer looks" in box.said[0]


def test_evidence_of_an_alarm_is_looked_at_before_all_else_where_looks_are_few() -> None:
    alarm = climber("alarm").give(Reason.EVIDENCE)
    box = Box(8.0, alarm, *(climber(f"street{number}").give(Reason.MOTION) for number in range(3)))
    box.balance._load.capacity = 8.0
    box.balance.look(0.0)
    assert alarm.rate == 5.0
    assert [round(street.rate, 3) for street in box.channels.values() if street is not alarm] == [1.0] * 3


def test_cameras_go_back_to_glances_although_looks_were_few_before() -> None:
    cameras = [climber(f"camera{number}") for number in range(40)]
    box = Box(20.0, *cameras, decodes=4.0)
    box.run(10)
    assert box.balance._load.capacity is not None
    for camera in cameras[:20]:
        camera.give(Reason.MOTION)
    box.run(60)
    assert 1 <= len(box.watched()) <= 5
    # And with few of them decoded there is power for looks again.
    assert sum(each.rate for each in cameras) > 15.0


def test_a_box_that_manages_nothing_at_all_is_overloaded() -> None:
    box = Box(100.0, *(climber(f"camera{number}").give(Reason.MOTION) for number in range(20)))
    box.run(1)
    box.manages = 0.0
    box.run(12)
    assert box.balance.overloaded
    assert len(box.watched()) == 1


def test_of_cameras_with_the_same_reason_each_has_its_turn() -> None:
    box = Box(100.0, *(climber(f"camera{number}").give(Reason.MOTION) for number in range(12)), decodes=4.0)
    seen: set[str] = set()
    for _ in range(120):
        box.run(1)
        seen |= set(box.watched())
    assert len(seen) == 12


@pytest.mark.parametrize("hold_s", [2.0, 10.0])
def test_where_all_move_all_the_time_each_is_watched_for_its_hold(hold_s: float) -> None:
    cameras = [climber(f"camera{number}") for number in range(8)]
    for camera in cameras:
        camera.ladder.settings = LadderSettings(hold=hold_s)
    box, watched_s = Box(100.0, *cameras, decodes=3.0), Counter[str]()
    for _ in range(round(8 * hold_s)):
        for camera in cameras:
            camera.ladder.moved(box.now_s)
        box.run(1)
        watched_s.update(box.watched())
    # Then it is no news any more; a second is as near as this clock can tell.
    assert {camera.name: watched_s[camera.name] for camera in cameras} == {
        camera.name: pytest.approx(hold_s, abs=1.0) for camera in cameras
    }
    assert box.watched() == []


def alone(box: Box, at_s: float) -> list[str]:
    """Who is watched at a time where there is one place; nothing is measured."""
    box.balance.skip()
    box.balance._places.capacity = 1.0
    box.balance.look(at_s)
    return box.watched()


def test_a_turn_ends_though_nothing_new_is_seen_or_measured() -> None:
    box = Box(100.0, *(climber(name).give(Reason.MOTION) for name in ("yard", "hall")))
    turns = [alone(box, at_s) for at_s in (0.0, 1.0, 9.9, 10.0, 19.9, 20.0)]
    assert turns == [["yard"], ["yard"], ["yard"], ["hall"], ["hall"], ["yard"]]


def test_a_camera_that_was_opened_anew_has_not_waited_yet() -> None:
    box = Box(100.0, climber("gate"), *(climber(name).give(Reason.MOTION) for name in ("yard", "hall")))
    assert alone(box, 1.0) == ["yard"]
    assert alone(box, 11.0) == ["hall"]
    box.channels.pop("gate")
    assert alone(box, 15.0) == ["hall"]
    box.channels["gate"] = climber("gate").give(Reason.MOTION)
    assert alone(box, 16.0) == ["hall"]
    # The yard waits since 11.0.
    assert alone(box, 21.0) == ["yard"]
    assert alone(box, 31.0) == ["gate"]


def test_who_is_denied_a_place_wants_more_looks_than_it_gets() -> None:
    box = Box(100.0, *(climber(name).give(Reason.MOTION) for name in ("yard", "hall")), climber("gate"))
    assert alone(box, 1.0) == ["yard"]
    assert {name: (each.wanted_per_s, each.rate) for name, each in box.channels.items()} == {
        "yard": (5.0, 5.0),
        "hall": (5.0, 1.0),
        "gate": (1.0, 1.0),
    }


def test_what_was_tried_in_vain_is_tried_ever_more_rarely() -> None:
    box = Box(100.0, *(climber(f"camera{number}").give(Reason.MOTION) for number in range(12)), decodes=4.0)
    box.run(60)
    given, lost = (sum(getattr(each, kind) for each in box.channels.values()) for kind in ("given", "lost"))
    box.run(240)
    more = [sum(getattr(each, kind) for each in box.channels.values()) for kind in ("given", "lost")]
    assert (more[1] - lost) < 0.02 * (more[0] - given)


def test_while_cameras_come_for_the_first_time_what_is_lost_is_no_measure() -> None:
    late = Looked("late", 10.0, begun=False)
    box = Box(10.0, Looked("yard", 10.0), late)
    box.run(2)
    late.camera.begun = True
    box.run(2)
    assert not box.balance.overloaded
    box.run(5)
    assert box.balance.overloaded


@pytest.mark.parametrize(
    ("share", "seconds", "overloaded"),
    [(0.2, 1, False), (0.04, 60, False), (0.07, 3, False), (0.07, 5, True), (0.5, 1, True)],
)
def test_what_is_lost_is_judged_over_some_seconds_unless_it_is_much(
    share: float, seconds: int, overloaded: bool
) -> None:
    box = Box(100.0, Looked("yard", 10.0), Looked("hall", 10.0))
    box.run(8)
    box.manages = 20.0 * (1.0 - share)
    box.run(seconds)
    assert box.balance.overloaded is overloaded


def test_what_was_lost_before_a_camera_came_or_went_is_forgotten() -> None:
    box = Box(100.0, Looked("yard", 10.0), Looked("hall", 10.0))
    box.run(8)
    box.manages = 18.6
    # Five such seconds in a row would be too many.
    box.run(3)
    box.balance.skip()
    box.run(4)
    assert not box.balance.overloaded
    box.run(2)
    assert box.balance.overloaded
