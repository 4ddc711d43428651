"""Topics of MQTT, the states under them, and what Home Assistant finds."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from runtime.delivery.folding import summary
from runtime.events.notice import Notice
from runtime.sinks.home_assistant import discovery
from runtime.sinks.topics import States, Topics
from tests.unit.runtime.notices import AT, cleared, event, incident, raised

TOPICS = Topics("box")
CAMERAS = {"yard/gate": ("fire", "person"), "yard/ramp": ("fire",)}
GATE_FIRE = "box/yard/gate/fire/state"


def states(*notices: Notice) -> dict[str, str]:
    held = States()
    for notice in notices:
        held.told(notice)
    return dict(held.of(TOPICS, CAMERAS))


def test_everything_has_a_state_before_anything_happens() -> None:
    assert states() == {
        GATE_FIRE: "OFF",
        "box/yard/gate/person/state": "OFF",
        "box/yard/ramp/fire/state": "OFF",
        "box/yard/gate/_connection/state": "ON",
        "box/yard/ramp/_connection/state": "ON",
    }


def test_an_alarm_is_on_while_any_zone_of_the_camera_holds_it() -> None:
    left, right = event(zone="left"), event(zone="right")
    assert states(raised(left), raised(right), cleared(left))[GATE_FIRE] == "ON"
    assert states(raised(left), raised(right), cleared(left), cleared(right))[GATE_FIRE] == "OFF"


def test_the_same_notice_twice_changes_nothing() -> None:
    subject = event()
    assert states(raised(subject), raised(subject), cleared(subject))[GATE_FIRE] == "OFF"


def test_a_camera_that_is_down_is_not_connected() -> None:
    down = incident("yard/gate")
    over = incident("yard/gate", ended_at=AT)
    assert states(Notice.of_incident(down, AT))["box/yard/gate/_connection/state"] == "OFF"
    both = (Notice.of_incident(down, AT), Notice.of_incident(over, AT))
    assert states(*both)["box/yard/gate/_connection/state"] == "ON"


def test_what_befalls_the_box_is_no_camera_s_state() -> None:
    assert "OFF" not in {
        state for topic, state in states(Notice.of_incident(incident(None), AT)).items() if "conn" in topic
    }


def test_a_summary_sets_the_states_of_all_that_it_tells() -> None:
    over, held = event(), event("yard/ramp")
    notices = [raised(over), raised(held), cleared(over), Notice.of_incident(incident("yard/ramp"), AT)]
    told = summary(notices, datetime.fromisoformat(AT))
    held_now = States()
    held_now.told(told)
    assert dict(held_now.touched(told, TOPICS)) == {
        GATE_FIRE: "OFF",
        "box/yard/ramp/fire/state": "ON",
        "box/yard/ramp/_connection/state": "OFF",
    }


def test_what_is_held_is_told_though_it_is_not_watched_any_more() -> None:
    assert states(raised(event("yard/old", "smoke")))["box/yard/old/smoke/state"] == "ON"


def test_a_test_touches_no_state() -> None:
    notice = Notice("x:test", "test", None, None, "info", AT, {})
    assert States().touched(notice, TOPICS) == []


@pytest.mark.parametrize("name", ["a#", "a+b", "a/b", "a b", "ä"])
def test_names_hold_nothing_that_means_something_in_a_topic(name: str) -> None:
    topic = TOPICS.alarm("gate", name)
    assert topic.count("/") == 3
    assert not set("#+ ") & set(topic)


def found(cameras: dict[str, Any]) -> dict[str, Any]:
    return {topic: json.loads(payload) for topic, payload in discovery("homeassistant", TOPICS, cameras)}


def test_home_assistant_finds_a_sensor_for_each_alarm_and_for_the_connection() -> None:
    configs = found(CAMERAS)
    assert len(configs) == 5
    fire = configs["homeassistant/binary_sensor/box_yard_gate_fire/config"]
    assert fire["state_topic"] == GATE_FIRE
    assert (fire["payload_on"], fire["payload_off"], fire["device_class"]) == ("ON", "OFF", "smoke")
    assert (fire["availability_topic"], fire["payload_not_available"]) == ("box/status", "offline")
    assert fire["device"]["name"] == "yard/gate"
    (link,) = (each for each in configs.values() if each["state_topic"] == "box/yard/ramp/_connection/state")
    assert (link["device_class"], link["entity_category"]) == ("connectivity", "diagnostic")
    assert {config["unique_id"] for config in configs.values()} == {topic.split("/")[2] for topic in configs}


@pytest.mark.parametrize("alarm", ["connectivity", "_connection"])
def test_an_alarm_may_have_any_name(alarm: str) -> None:
    assert TOPICS.alarm("gate", alarm) != TOPICS.connectivity("gate")
    assert len(found({"gate": (alarm,)})) == 2


def test_names_that_look_alike_stay_apart() -> None:
    configs = found({"yard/gate": ("fire",), "yard_gate": ("fire",), "yard-gate": ("a b", "a_b")})
    assert len(configs) == 7
    assert len({config["device"]["identifiers"][0] for config in configs.values()}) == 3


@pytest.mark.parametrize(("alarm", "kind"), [("person", "occupancy"), ("fire_or_smoke", "smoke"), ("fight", "safety")])
def test_alarms_have_a_class_that_home_assistant_knows(alarm: str, kind: str) -> None:
    config = found({"gate": (alarm,)})
    assert next(iter(config.values()))["device_class"] == kind
