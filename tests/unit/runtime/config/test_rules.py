"""Which rules a camera gets: of the bundle's alarms, with what the file changes of them, in zones or in all of it."""

from __future__ import annotations

from typing import Any

import pytest

from edge_resnet.manifest import AlarmSpec
from runtime.config.rules import rules, severity_of
from runtime.config.settings import AlarmSettings, CameraSettings, SiteSettings, WatchSettings, ZoneSettings
from runtime.judge import Target

ALARMS = {name: AlarmSpec(classes=(name,), threshold=0.6, mean_threshold=0.55) for name in ("fire", "person")}
CORNERS = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))


def watch(alarms: dict[str, AlarmSettings] | None = None, **zones: Any) -> tuple[WatchSettings, CameraSettings]:
    of_zones = {name: ZoneSettings(polygon=CORNERS, **zone) for name, zone in zones.items()}
    camera = CameraSettings(detect="0", zones=of_zones)
    return WatchSettings(sites={"": SiteSettings(cameras={"gate": camera})}, alarms=alarms or {}), camera


def test_without_settings_the_bundle_s_thresholds_hold_in_the_whole_picture() -> None:
    made = rules(*watch(), ALARMS)
    assert list(made) == [Target("fire"), Target("person")]
    settings = made[Target("fire")].settings
    assert (settings.threshold, settings.mean_threshold, settings.low_threshold) == (0.6, 0.55, pytest.approx(0.48))


def test_what_the_file_changes_holds() -> None:
    changed = AlarmSettings(
        threshold=0.7, share=0.4, min_looks=5, window=3.0, min_duration=4.0, quiet=1.0, cooldown=2.0
    )
    settings = rules(*watch({"fire": changed}), ALARMS)[Target("fire")].settings
    assert (settings.threshold, settings.low_threshold, settings.share) == (0.7, pytest.approx(0.56), 0.4)
    assert (settings.window_s, settings.min_looks, settings.min_duration_s) == (3.0, 5, 4.0)
    assert (settings.quiet_s, settings.cooldown_s) == (1.0, 2.0)


def test_an_alarm_of_zones_is_judged_in_each_and_no_longer_in_the_whole_picture() -> None:
    zones = {"ramp": {"alarms": ("person",)}, "door": {"alarms": ("person",)}}
    assert list(rules(*watch(**zones), ALARMS)) == [Target("fire"), Target("person", "ramp"), Target("person", "door")]


def test_a_zone_has_thresholds_of_its_own() -> None:
    zones = {"ramp": {"alarms": ("fire",), "threshold": 0.9}, "door": {"alarms": ("fire",), "mean_threshold": 0.8}}
    changed = AlarmSettings(threshold=0.7, low_threshold=0.65)
    made = rules(*watch({"fire": changed}, **zones), ALARMS)
    ramp, door = made[Target("fire", "ramp")].settings, made[Target("fire", "door")].settings
    assert (ramp.threshold, ramp.mean_threshold, ramp.low_threshold) == (0.9, 0.9, pytest.approx(0.72))
    assert (door.threshold, door.mean_threshold, door.low_threshold) == (0.7, 0.8, 0.65)


def test_severity_is_a_warning_unless_the_file_says_otherwise() -> None:
    settings, _ = watch({"fire": AlarmSettings(severity="critical")})
    assert (severity_of(settings, "fire"), severity_of(settings, "person")) == ("critical", "warning")
