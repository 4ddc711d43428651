"""When a camera is told to be down, and up again."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from runtime.delivery.debounce import Debounce
from runtime.events.notice import Notice
from tests.unit.runtime.notices import AT, incident

GATE = incident("yard/gate", "stale")
LATER = "2026-11-29T12:01:00.000+00:00"


def test_an_outage_is_told_when_it_has_lasted() -> None:
    debounce = Debounce(30.0, 10.0)
    debounce.down(GATE, 100.0)
    assert debounce.look(129.9) == []
    assert debounce.look(130.0) == [GATE]
    assert debounce.look(200.0) == []


def test_a_short_outage_is_never_told() -> None:
    debounce = Debounce(30.0, 10.0)
    debounce.down(GATE, 100.0)
    debounce.up("yard/gate", LATER, 129.0)
    assert debounce.look(1000.0) == []


def test_the_state_may_change_while_it_is_down() -> None:
    debounce = Debounce(30.0, 10.0)
    debounce.down(GATE, 100.0)
    offline = incident("yard/gate", "offline")
    debounce.down(offline, 107.0)
    assert debounce.look(130.0) == [offline]


def test_up_is_told_when_it_has_lasted_as_the_end_of_what_was_told() -> None:
    debounce = Debounce(30.0, 10.0)
    debounce.down(GATE, 100.0)
    debounce.look(140.0)
    debounce.down(incident("yard/gate", "offline"), 141.0)
    debounce.up("yard/gate", LATER, 150.0)
    assert debounce.look(159.0) == []
    (told,) = debounce.look(160.0)
    assert (told.id, told.ended_at) == (GATE.id, LATER)
    assert debounce.look(1000.0) == []


def test_a_camera_that_is_back_for_a_moment_is_still_down() -> None:
    debounce = Debounce(30.0, 10.0)
    debounce.down(GATE, 100.0)
    assert debounce.look(140.0) == [GATE]
    debounce.up("yard/gate", AT, 150.0)
    debounce.down(incident("yard/gate"), 155.0)
    assert debounce.look(300.0) == []
    debounce.up("yard/gate", LATER, 300.0)
    assert [each.id for each in debounce.look(310.0)] == [GATE.id]


def test_an_earlier_run_s_outage_is_told_to_be_over() -> None:
    debounce = Debounce(30.0, 10.0)
    debounce.remember([Notice.from_json(Notice.of_incident(GATE, AT).to_json())])
    assert debounce.look(100.0) == []
    debounce.up("yard/gate", LATER, 100.0)
    assert [(each.id, each.ended_at) for each in debounce.look(110.0)] == [(GATE.id, LATER)]


def test_cameras_and_the_box_are_apart() -> None:
    debounce = Debounce(30.0, 10.0)
    engine, ramp = incident(None, "backend"), incident("yard/ramp")
    for each in (GATE, engine, ramp):
        debounce.down(each, 0.0)
    debounce.up("yard/ramp", LATER, 5.0)
    assert debounce.look(30.0) == [GATE, engine]


def test_what_cannot_be_read_of_an_earlier_run_is_left_out() -> None:
    debounce, notice = Debounce(30.0, 10.0), Notice.of_incident(GATE, AT)
    for body in ({"id": "x"}, {**notice.body, "evidence": 5}):
        debounce.remember([replace(notice, body=body)])
    assert debounce.told == ()
    # A later version may keep more of it.
    debounce.remember([replace(notice, body={**notice.body, "priority": 1})])
    assert debounce.told == ("yard/gate",)


def test_a_camera_that_is_not_watched_any_more_is_not_told_of() -> None:
    for leave in (Debounce.pause, lambda debounce, camera: debounce.forget(camera, LATER)):
        debounce = Debounce(30.0, 10.0)
        debounce.down(GATE, 0.0)
        leave(debounce, "yard/gate")
        assert debounce.look(100.0) == []


def test_a_camera_that_is_removed_while_it_is_down_is_told_to_be_over() -> None:
    debounce = Debounce(30.0, 10.0)
    debounce.down(GATE, 0.0)
    debounce.look(30.0)
    debounce.pause("yard/gate")
    assert debounce.look(60.0) == []
    debounce.forget("yard/gate", LATER)
    (told,) = debounce.look(90.0)
    assert (told.id, told.ended_at, told.evidence["over"]) == (GATE.id, LATER, "not watched any more")
    # Watched once more, its next outage is another one.
    again = incident("yard/gate")
    debounce.down(again, 100.0)
    assert debounce.look(130.0) == [again]


@given(st.lists(st.tuples(st.booleans(), st.floats(0.1, 60.0)), max_size=40))
def test_down_and_up_alternate(turns: list[tuple[bool, float]]) -> None:
    debounce = Debounce(30.0, 10.0)
    now_s, told = 0.0, []
    for down, seconds in turns:
        if down:
            debounce.down(incident("yard/gate"), now_s)
        else:
            debounce.up("yard/gate", LATER, now_s)
        now_s += seconds
        told += [each.ended_at is None for each in debounce.look(now_s)]
    assert told == [index % 2 == 0 for index in range(len(told))]


@given(st.lists(st.tuples(st.floats(0.1, 29.9), st.floats(0.1, 60.0)), max_size=40))
def test_a_camera_that_flaps_is_never_told_of(outages: list[tuple[float, float]]) -> None:
    debounce, now_s = Debounce(30.0, 10.0), 0.0
    for down_s, up_s in outages:
        debounce.down(incident("yard/gate"), now_s)
        now_s += down_s
        assert debounce.look(now_s) == []
        debounce.up("yard/gate", LATER, now_s)
        now_s += up_s
        assert debounce.look(now_s) == []
