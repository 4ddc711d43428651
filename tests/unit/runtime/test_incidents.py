"""Incidents: what is told and stored when a camera goes blind and sees again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from runtime.cameras.sight import Turn
from runtime.events.deliveries import Deliveries
from runtime.events.patient import PatientStore
from runtime.events.store import EventStore
from runtime.incidents import Incidents
from runtime.service.lines import Lines
from tests.unit.runtime.feed import NOW, Recorder


class Desk:
    """Incidents, with a wall clock that the test sets."""

    def __init__(self, store: EventStore) -> None:
        self.store, self.recorder, self.said, self.now = store, Recorder(), [], NOW
        self.said: list[str] = []
        log = Lines(self.said.append)
        self.incidents = Incidents(PatientStore(store, log.error), [self.recorder], log, lambda: self.now)

    def turn(self, before: str, state: str, since_s: float, at_s: float) -> None:
        self.now = NOW + timedelta(seconds=at_s)
        self.incidents.turned("yard", Turn(before, state, since_s, at_s, {"silence_s": at_s - since_s}))

    def kept(self) -> list[tuple[str, float, float | None]]:
        """Of each incident in the store: its kind, begin and end in seconds."""
        return [(each.kind, _seconds(each.began_at), _seconds(each.ended_at)) for each in self.store.incidents()]  # type: ignore[misc]


def _seconds(moment: str | None) -> float | None:
    return None if moment is None else (datetime.fromisoformat(moment) - NOW).total_seconds()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with EventStore(tmp_path / "events.sqlite") as store:
        yield Desk(store)


def test_an_incident_begins_with_its_evidence_and_ends_when_the_camera_saw_again(desk: Desk) -> None:
    desk.turn("live", "frozen", 10.0, 40.0)
    assert desk.kept() == [("frozen", 10.0, None)]
    desk.turn("frozen", "live", 55.0, 57.0)
    assert desk.kept() == [("frozen", 10.0, 55.0)]
    assert [each.ended_at is None for each in desk.recorder.incidents] == [True, False]
    assert any("BLIND: camera frozen" in line for line in desk.said)
    assert any("sees again" in line and "blind_s 45.0" in line for line in desk.said)


def test_one_kind_of_blindness_after_another(desk: Desk) -> None:
    desk.turn("live", "black", 10.0, 15.0)
    desk.turn("black", "overexposed", 20.0, 25.0)
    assert desk.kept() == [("black", 10.0, 20.0), ("overexposed", 20.0, None)]


def test_a_stale_camera_that_is_offline_was_stale_until_that_was_sure(desk: Desk) -> None:
    desk.turn("live", "stale", 10.0, 13.0)
    desk.turn("stale", "offline", 10.0, 20.0)
    assert desk.kept() == [("stale", 10.0, 20.0), ("offline", 10.0, None)]


def test_how_long_it_was_blind_is_not_asked_of_a_clock_that_jumps(desk: Desk) -> None:
    desk.turn("live", "frozen", 10.0, 40.0)
    desk.now = NOW - timedelta(hours=1)
    desk.incidents.turned("yard", Turn("frozen", "live", 55.0, 57.0))
    assert any("blind_s 45.0" in line for line in desk.said)


def test_the_first_picture_of_a_camera_is_no_end_of_an_incident(desk: Desk) -> None:
    desk.turn("offline", "live", 0.5, 0.5)
    assert desk.kept() == []
    assert desk.said == ["camera is live (camera yard)"]


def test_where_a_camera_sees_it_is_told_what_decodes_it(desk: Desk) -> None:
    desk.incidents.turned("yard", Turn("offline", "live", 0.5, 0.5), "cuda")
    desk.incidents.turned("yard", Turn("live", "frozen", 10.0, 40.0), "cuda")
    desk.incidents.turned("yard", Turn("frozen", "live", 55.0, 57.0), "cpu")
    assert [line.partition("decoder ")[2] for line in desk.said] == ["cuda)", "", "cpu)"]


def test_the_end_of_a_camera_that_was_removed_is_told(desk: Desk) -> None:
    desk.incidents.debounce.down_after_s = 0.0
    desk.incidents.route = lambda notice: ["phone"]
    desk.turn("live", "offline", 10.0, 40.0)
    desk.incidents.began(None, "backend", {"why": "device lost"})
    assert desk.incidents.tell()
    # With the end of a run it stays told: the next one goes on with it.
    desk.incidents.pause("yard")
    desk.incidents.keep_only(["yard"])
    assert not desk.incidents.tell()
    desk.incidents.keep_only(["gate"])
    assert desk.incidents.tell()
    with Deliveries(desk.store.path) as deliveries:
        assert [(each.notice.what, each.notice.camera) for each in deliveries.pending("phone", 9)] == [
            ("down", "yard"),
            ("down", None),
            ("up", "yard"),
        ]
        assert [notice.camera for notice in deliveries.told_down()] == [None]


def test_of_a_box_there_is_one_incident_at_a_time(desk: Desk) -> None:
    desk.incidents.began(None, "backend", {"why": "device lost"})
    desk.incidents.began(None, "backend", {"why": "no driver"})
    assert desk.incidents.ended(None) is not None
    assert desk.incidents.ended(None) is None
    assert [each.evidence for each in desk.store.incidents()] == [{"why": "device lost"}]
