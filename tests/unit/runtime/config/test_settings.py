"""Settings made in code, schedules over midnight and across time zones, and what a reload changes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edge_resnet.errors import CameraError
from runtime.config.addresses import of_addresses
from runtime.config.armed import armed
from runtime.config.difference import Difference, difference
from runtime.config.schedule import DAYS, Schedule
from runtime.config.settings import CameraSettings, WatchSettings

SECRET = "s3cr3t"
URL = f"rtsp://admin:{SECRET}@10.0.0.4/stream1"


def watch(**changes: Any) -> WatchSettings:
    """Two sites of one camera each."""
    base: dict[str, Any] = {
        "sites": {
            "berlin": {"timezone": "Europe/Berlin", "cameras": {"gate": {"detect": "0"}}},
            "tokyo": {"timezone": "Asia/Tokyo", "cameras": {"gate": {"detect": "1"}}},
        },
    }
    return WatchSettings.model_validate({**base, **changes})


def test_the_command_line_s_cameras_go_by_their_addresses(tmp_path: Path) -> None:
    clip = tmp_path / "clip.avi"
    clip.touch()
    settings = of_addresses(["0", str(clip), URL, URL.replace("admin", "other"), str(clip)], rate=2.0)
    host = "rtsp://***@10.0.0.4/stream1"
    assert list(settings.cameras()) == ["0", str(clip), host, f"{host} (2)", f"{clip} (2)"]
    assert {camera.rate for camera in settings.cameras().values()} == {2.0}
    assert settings.cameras()[host].detect == URL
    assert SECRET not in repr(settings)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(CameraError, match="no such file"):
        of_addresses(["0", "nowhere.avi"])


def test_cameras_of_sites_have_the_site_in_their_name() -> None:
    assert list(watch().cameras()) == ["berlin/gate", "tokyo/gate"]


@pytest.mark.parametrize(
    "wrong", [{"rate": -1.0}, {"masks": 3}, {"nonsense": 1}, {"blindness": {"stale_after": 60.0}}, {"record": [URL]}]
)
def test_errors_of_settings_repeat_no_address(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        CameraSettings.model_validate({"detect": URL, **wrong})
    assert SECRET not in str(caught.value)
    with pytest.raises(ValidationError) as caught:
        watch(sites={"x": {"cameras": {"y": {"detect": URL, "schedule": "none"}}}})
    assert SECRET not in str(caught.value)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


NIGHTS = {"nights": {"periods": [{"days": ["fri"], "start": "22:00", "end": "06:00"}]}}


def test_a_schedule_is_of_the_time_at_the_camera_s_site() -> None:
    settings = watch(schedules=NIGHTS, alarms={"fire": {"schedule": "nights"}})
    # A Friday in winter: Berlin is one hour ahead of UTC, Tokyo nine.
    assert not armed(settings, "berlin/gate", "fire", at("2026-11-27T20:59"))
    assert armed(settings, "berlin/gate", "fire", at("2026-11-27T21:00"))
    assert armed(settings, "berlin/gate", "fire", at("2026-11-28T04:59"))
    assert not armed(settings, "berlin/gate", "fire", at("2026-11-28T05:00"))
    assert armed(settings, "tokyo/gate", "fire", at("2026-11-27T13:00"))
    assert not armed(settings, "tokyo/gate", "fire", at("2026-11-27T21:00"))
    assert armed(settings, "berlin/gate", "smoke", at("2026-11-27T12:00")), "an alarm without settings always is"


def test_both_the_alarm_s_and_the_camera_s_schedule_must_hold() -> None:
    weekend = {"weekend": {"periods": [{"days": ["sat", "sun"]}]}}
    camera = {"detect": "0", "schedule": "weekend", "alarms": ["fire"]}
    settings = watch(
        sites={"berlin": {"timezone": "Europe/Berlin", "cameras": {"gate": camera}}},
        schedules={**NIGHTS, **weekend},
        alarms={"fire": {"schedule": "nights"}},
    )
    assert not armed(settings, "berlin/gate", "fire", at("2026-11-27T22:30")), "Friday night, not yet the weekend"
    assert armed(settings, "berlin/gate", "fire", at("2026-11-27T23:30")), "Friday's night, on Saturday"
    assert not armed(settings, "berlin/gate", "fire", at("2026-11-28T12:00")), "the weekend, no night"
    assert not armed(settings, "berlin/gate", "smoke", at("2026-11-28T12:00")), "not one of the camera's alarms"


@given(
    days=st.sets(st.sampled_from(DAYS), min_size=1),
    start=st.times().map(lambda time: time.replace(second=0, microsecond=0)),
    end=st.times().map(lambda time: time.replace(second=0, microsecond=0)),
)
def test_a_period_lasts_as_long_as_from_start_to_end_on_each_of_its_days(days: set[str], start: Any, end: Any) -> None:
    schedule = Schedule.model_validate(
        {"periods": [{"days": sorted(days), "start": f"{start:%H:%M}", "end": f"{end:%H:%M}"}]}
    )
    monday = datetime(2026, 11, 23)
    held = sum(schedule.holds(monday + timedelta(minutes=10 * step, seconds=1)) for step in range(7 * 144))
    minutes = (end.hour - start.hour) * 60 + end.minute - start.minute
    expected = (minutes if minutes > 0 else minutes + 1440) * len(days) / 10
    assert abs(held - expected) <= len(days)


def test_a_reload_touches_only_what_is_different() -> None:
    old = watch(alarms={"fire": {"threshold": 0.5}})
    assert difference(old, old) == Difference((), (), (), (), ())
    sites = {
        "tokyo": {"timezone": "Asia/Tokyo", "cameras": {"gate": {"detect": "1", "rate": 2.0}, "hall": {"detect": "2"}}},
    }
    alarms = {"fire": {"threshold": 0.6}, "smoke": {}, "person": {"quiet": 1.0}}
    new = watch(sites=sites, alarms=alarms, max_batch=4)
    assert difference(old, new) == Difference(
        added=("tokyo/hall",),
        removed=("berlin/gate",),
        changed=("tokyo/gate",),
        alarms=("fire", "person"),
        restart=("max_batch",),
    )


def test_what_is_looked_up_each_time_makes_no_other_rule() -> None:
    fire = {"threshold": 0.5, "severity": "critical", "schedule": "nights", "modes": ("away",)}
    nights = {"nights": {"periods": [{"start": "22:00"}]}}
    new = watch(alarms={"fire": fire}, modes={"away": {}}, schedules=nights)
    assert difference(watch(alarms={"fire": {"threshold": 0.5}}), new) == Difference((), (), (), (), ())


def test_an_alarm_of_a_mode_is_armed_when_the_mode_is_in_force() -> None:
    settings = watch(
        schedules={"nights": {"periods": [{"start": "22:00", "end": "06:00"}]}},
        modes={"away": {"schedule": "nights"}, "home": {}},
        alarms={"person": {"modes": ["away"]}},
    )
    noon, night = at("2026-11-27T12:00"), at("2026-11-27T23:00")
    assert armed(settings, "berlin/gate", "person", night)
    assert not armed(settings, "berlin/gate", "person", noon)
    assert armed(settings, "tokyo/gate", "person", at("2026-11-27T14:00")), "night in Tokyo"
    assert armed(settings, "berlin/gate", "fire", noon), "an alarm without modes is armed in all"
    assert armed(settings, "berlin/gate", "person", noon, "away"), "a command holds whatever the time is"
    assert not armed(settings, "berlin/gate", "person", night, "home")
    assert armed(settings, "berlin/gate", "person", night, "holiday"), "a mode that is gone is not obeyed"
