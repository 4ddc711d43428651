"""Notices in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from runtime.delivery.folding import summary
from runtime.events.notice import Notice
from runtime.sinks.wording import subject, text
from tests.unit.runtime.notices import AT, cleared, event, incident, raised


def test_each_kind_has_its_line() -> None:
    over = incident("yard/gate", ended_at=AT)
    notices = [
        raised(event()),
        cleared(event()),
        cleared(event(interrupted=True)),
        Notice.of_incident(incident("yard/gate", "out_of_focus"), AT),
        Notice.of_incident(incident(None, "backend"), AT),
        Notice.of_incident(over, AT),
        Notice.of_incident(replace(over, evidence={"over": "not watched any more"}), AT),
        summary([raised(), raised()], datetime.fromisoformat(AT)),
        Notice("x:test", "test", None, None, "info", AT, {"test": True}),
    ]
    assert [subject(notice) for notice in notices] == [
        "ALARM fire at yard/gate",
        "fire over at yard/gate",
        "fire at yard/gate: no longer watched",
        "yard/gate sees nothing (out of focus)",
        "this box sees nothing (backend)",
        "yard/gate sees again",
        "yard/gate: not watched any more",
        "2 more in 1 second; worst: warning, fire raised at yard/gate",
        "test of edge-resnet: no alarm",
    ]
    assert all(text(notice).startswith(subject(notice)) for notice in notices)


def test_the_text_tells_what_was_seen_where() -> None:
    notice = raised(event(zone="door", severity="critical"))
    lines = text(notice).splitlines()
    assert "severity: critical" in lines
    assert "seen: fire, mean probability 0.85, peak 0.91" in lines
    assert "zone: door" in lines
    assert f"id: {notice.id}" in lines


def test_the_text_of_a_summary_lists_what_it_tells() -> None:
    few = text(summary([raised(), raised(event("yard/ramp", "smoke"))], datetime.fromisoformat(AT)))
    assert f"{AT} raised smoke at yard/ramp" in few
    many = text(summary([raised()] * 60, datetime.fromisoformat(AT)))
    assert many.count("raised fire") == 50
    assert "and 10 more" in many
    assert "and 950 more" in text(summary([raised() for _ in range(1000)], datetime.fromisoformat(AT)))


def test_a_name_with_a_line_break_is_one_line() -> None:
    assert (
        subject(raised(event(alarm="fire\r\nBcc: all@example.org"))) == "ALARM fire Bcc: all@example.org at yard/gate"
    )
