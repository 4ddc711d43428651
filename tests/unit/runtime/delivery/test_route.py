"""Which sinks a notice goes to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runtime.config.sinks import JsonlSettings
from runtime.delivery.route import route
from runtime.events.notice import Notice
from tests.unit.runtime.notices import AT, cleared, event, incident, raised

FIRE = raised(event("yard/gate", "fire", severity="critical"))
PERSON = raised(event("yard/ramp", "person", severity="info"))
DOWN = Notice.of_incident(incident("yard/gate"), AT)
ENGINE = Notice.of_incident(incident(None, "backend"), AT)


def goes(notice: Notice, **settings: Any) -> bool:
    return bool(route({"phone": JsonlSettings(path=Path("x"), **settings)}, notice))


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, [FIRE, PERSON, DOWN, ENGINE]),
        ({"alarms": ("fire",)}, [FIRE, DOWN, ENGINE]),
        ({"alarms": ()}, [DOWN, ENGINE]),
        ({"min_severity": "warning"}, [FIRE, DOWN, ENGINE]),
        ({"cameras": ("yard/ramp",)}, [PERSON, ENGINE]),
        ({"cameras": ("yard",)}, [FIRE, PERSON, DOWN, ENGINE]),
        ({"cameras": ("ya", "yard/gat")}, [ENGINE]),
        ({"events": False}, [DOWN, ENGINE]),
        ({"camera_down": False}, [FIRE, PERSON]),
    ],
)
def test_a_sink_gets_what_it_wants(settings: dict[str, Any], wanted: list[Notice]) -> None:
    assert [notice for notice in (FIRE, PERSON, DOWN, ENGINE) if goes(notice, **settings)] == wanted


def test_what_was_told_to_begin_is_told_to_end() -> None:
    assert goes(cleared(event(severity="critical")), min_severity="critical")


def test_each_sink_is_asked() -> None:
    sinks = {"a": JsonlSettings(path=Path("a")), "b": JsonlSettings(path=Path("b"), alarms=("person",))}
    assert route(sinks, FIRE) == ["a"]
    assert route(sinks, PERSON) == ["a", "b"]
