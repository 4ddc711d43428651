"""The rules of a camera: those of the bundle's alarms, with what the configuration changes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edge_resnet.manifest import AlarmSpec, ModelSpec
from runtime.config.settings import AlarmSettings, CameraSettings, WatchSettings, ZoneSettings
from runtime.judge import Target
from runtime.rule import Rule
from runtime.rule_settings import HYSTERESIS, RuleSettings
from runtime.severity import Severity
from runtime.zones import Zone

# A setting of the configuration, and the rule's own name for it.
NAMES = {
    "threshold": "threshold",
    "mean_threshold": "mean_threshold",
    "low_threshold": "low_threshold",
    "share": "share",
    "window": "window_s",
    "min_looks": "min_looks",
    "min_duration": "min_duration_s",
    "quiet": "quiet_s",
    "cooldown": "cooldown_s",
}


def rule_settings(alarm: AlarmSpec, changed: AlarmSettings) -> RuleSettings:
    """The settings of an alarm's rule. Raises ValueError when its low threshold is over its threshold."""
    given = {NAMES[name]: value for name, value in changed.model_dump(include=set(NAMES), exclude_none=True).items()}
    threshold = given.get("threshold", alarm.threshold)
    bundle = {"threshold": threshold, "mean_threshold": alarm.mean_threshold, "low_threshold": HYSTERESIS * threshold}
    return RuleSettings(**{**bundle, **given})


def rule_of(settings: WatchSettings, name: str, alarm: AlarmSpec) -> RuleSettings:
    """The settings of the rule of the alarm called `name`."""
    return rule_settings(alarm, settings.alarms.get(name, AlarmSettings()))


def rules(settings: WatchSettings, camera: CameraSettings, alarms: Mapping[str, AlarmSpec]) -> dict[Target, Rule]:
    """A new rule for each target of a camera: an alarm in each zone that names it, else in the whole picture."""
    return {
        target: Rule(rule_at(settings, camera, target, alarms[target.alarm]))
        for alarm in alarms
        for target in targets(alarm, camera)
    }


def zones(camera: CameraSettings, model: ModelSpec) -> dict[str, Zone]:
    """The zones of a camera by name. Raises UserError for one of which the network's map says nothing."""
    return {name: Zone(name, zone.polygon, model) for name, zone in camera.zones.items()}


def rule_at(settings: WatchSettings, camera: CameraSettings, target: Target, alarm: AlarmSpec) -> RuleSettings:
    """The settings of the rule of a camera's target. Raises ValueError as rule_settings does."""
    rule = rule_of(settings, target.alarm, alarm)
    return rule if target.zone is None else in_zone(rule, camera.zones[target.zone])


def in_zone(rule: RuleSettings, zone: ZoneSettings) -> RuleSettings:
    """An alarm's rule with the thresholds that a zone has of its own."""
    if zone.threshold is not None:
        # What is held here goes by the threshold of here.
        low = HYSTERESIS * zone.threshold
        rule = replace(rule, threshold=zone.threshold, mean_threshold=zone.threshold, low_threshold=low)
    return rule if zone.mean_threshold is None else replace(rule, mean_threshold=zone.mean_threshold)


def severity_of(settings: WatchSettings, alarm: str) -> Severity:
    """How bad the alarm called `alarm` is."""
    return settings.alarms.get(alarm, AlarmSettings()).severity


def targets(alarm: str, camera: CameraSettings) -> list[Target]:
    """Where a camera judges an alarm: in each zone that names it, else in the whole picture."""
    zones = [name for name, zone in camera.zones.items() if alarm in zone.alarms]
    return [Target(alarm, name) for name in zones] or [Target(alarm)]
