"""JSON lines."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from runtime.events.event import Event
from runtime.events.incident import Incident
from runtime.look import Look, Occasion
from runtime.outputs.jsonl import JsonLines

CAM = np.zeros((2, 1, 1), np.float32)
LOOK = Look("yard", 1.23456, 30, {"normal": 0.1, "fire": 0.9}, {"burning": 0.9}, CAM, 48, 64)
EVENT = Event("id", "yard", "burning", "fire", None, "now", 1.0, 2.0, None, 0.9, 0.8, 6, "0" * 64, "opencv", "fp32")
INCIDENT = Incident("id", "yard", "frozen", "now", None, {"s": 30})


def test_a_line_for_each_look_and_event_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lines.jsonl"
    output = JsonLines(str(path))
    output.look(LOOK)
    output.event(EVENT)
    output.event(replace(EVENT, ended_s=3.0))
    # Not closed yet: a reader has them already.
    output.incident(INCIDENT)
    look, raised, cleared, blind = map(json.loads, path.read_text().splitlines())
    output.close()
    assert look == {
        "type": "look",
        "camera": "yard",
        "time_s": 1.235,
        "frame": 30,
        "label": "fire",
        "probabilities": {"normal": 0.1, "fire": 0.9},
        "alarms": {"burning": 0.9},
    }
    assert (raised["type"], raised["what"], raised["alarm"], raised["ended_s"]) == ("event", "raised", "burning", None)
    assert (cleared["what"], cleared["id"], cleared["ended_s"]) == ("cleared", "id", 3.0)
    assert (blind["type"], blind["what"], blind["kind"], blind["evidence"]) == (
        "incident",
        "began",
        "frozen",
        {"s": 30},
    )


def test_lines_are_added_to_those_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    for _ in range(2):
        output = JsonLines(str(path))
        output.look(LOOK)
        output.close()
    assert len(path.read_text().splitlines()) == 2


def test_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    output = JsonLines("-")
    output.look(LOOK)
    output.close()
    assert json.loads(capsys.readouterr().out)["frame"] == 30
    print("standard output is still open")  # noqa: T201


def test_of_a_camera_on_the_ladder_its_rung_and_the_reason_are_told(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    output = JsonLines(str(path))
    for why in ("", "motion"):
        output.look(replace(LOOK, occasion=Occasion(attention="glance", attention_why=why)))
    output.close()
    told = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["attention"], line["attention_why"]) for line in told] == [("glance", ""), ("glance", "motion")]
