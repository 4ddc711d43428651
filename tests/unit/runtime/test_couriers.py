"""What a run tells of cameras that an earlier one, or an earlier configuration, watched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from runtime.assembly import Assembly
from runtime.config.settings import WatchSettings
from runtime.couriers import Couriers
from runtime.delivery.office import Office
from runtime.events.deliveries import Deliveries
from runtime.events.journal import utc_now
from runtime.events.notice import Notice
from runtime.events.patient import PatientStore
from runtime.events.store import EventStore
from runtime.incidents import Incidents
from runtime.service.logs import Log
from tests.stand_ins import MODEL
from tests.unit.runtime.notices import AT, incident


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    with EventStore(tmp_path / "events.sqlite") as store:
        for camera in ("yard/gate", "yard/ramp", None):
            store.open_incident(down := incident(camera))
            store.tell_of(down, Notice.of_incident(down, AT), ["phone"])
        yield store


def settings(*cameras: str) -> WatchSettings:
    sites = {"yard": {"cameras": {name: {"detect": "0"} for name in cameras}}}
    return WatchSettings.model_validate({"sites": sites})


def couriers(store: EventStore, *cameras: str) -> Couriers:
    log = Log(for_people=False)
    assembly = cast(Assembly, SimpleNamespace(settings=settings(*cameras), model=MODEL))
    incidents = Incidents(PatientStore(store, log.error), [], log, utc_now)
    return Couriers(Office(store.path, {}, {}, log), incidents, assembly)


def told(store: EventStore) -> list[str | None]:
    """The cameras of which it is told that it is over."""
    with Deliveries(store.path, read_only=True) as deliveries:
        return [each.notice.camera for each in deliveries.find("phone") if each.notice.what == "up"]


def test_a_camera_that_was_removed_while_nothing_ran_is_over(store: EventStore) -> None:
    opened = couriers(store, "ramp")
    opened.start()
    opened.look_after()
    assert told(store) == ["yard/gate"]
    assert set(opened.incidents.debounce.told) == {"yard/ramp", None}


def test_a_camera_that_a_reload_removes_is_over_and_one_that_it_changes_is_not(store: EventStore) -> None:
    opened = couriers(store, "gate", "ramp")
    opened.start()
    # The watch leaves both; that of the second begins anew.
    for camera in ("yard/gate", "yard/ramp"):
        opened.incidents.pause(camera)
    opened.look_after()
    assert told(store) == []
    opened.assembly.settings = settings("ramp")
    opened.change()
    opened.look_after()
    assert told(store) == ["yard/gate"]


def test_what_cannot_be_read_does_not_hinder_the_start(store: EventStore) -> None:
    store.database.run("UPDATE deliveries SET notice = '{' WHERE id = 1")
    opened = couriers(store, "gate", "ramp")
    opened.start()
    assert set(opened.incidents.debounce.told) == {"yard/ramp", None}
