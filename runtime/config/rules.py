"""The rules of a camera: those of the bundle's alarms, with what the configuration changes of them."""

from __future__ import annotations

from collections.abc import Mapping

from edge_resnet.manifest import AlarmSpec
from runtime.config.settings import AlarmSettings, CameraSettings, WatchSettings
from runtime.judge import Target
from runtime.rule import Rule
from runtime.rule_settings import HYSTERESIS, RuleSettings
from runtime.severity import Severity

# A setting of the configuration, and the rule's own name for it.
_NAMES = {
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
    given = {_NAMES[name]: value for name, value in changed.model_dump(include=set(_NAMES), exclude_none=True).items()}
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


def rule_at(settings: WatchSettings, camera: CameraSettings, target: Target, alarm: AlarmSpec) -> RuleSettings:
    """The settings of the rule of a camera's target. Raises ValueError as rule_settings does."""
    changed = settings.alarms.get(target.alarm, AlarmSettings())
    zone = None if target.zone is None else camera.zones[target.zone]
    if zone is not None and zone.threshold is not None:
        # What is held here goes by the threshold of here.
        changed = changed.model_copy(update={"low_threshold": None, "mean_threshold": zone.threshold})
    own = {} if zone is None else zone.model_dump(include={"threshold", "mean_threshold"}, exclude_none=True)
    return rule_settings(alarm, changed.model_copy(update=own))


def severity_of(settings: WatchSettings, alarm: str) -> Severity:
    """How bad the alarm called `alarm` is."""
    return settings.alarms.get(alarm, AlarmSettings()).severity


def targets(alarm: str, camera: CameraSettings) -> list[Target]:
    """Where a camera judges an alarm: in each zone that names it, else in the whole picture."""
    zones = [name for name, zone in camera.zones.items() if alarm in zone.alarms]
    return [Target(alarm, name) for name in zones] or [Target(alarm)]
