"""Whether settings fit the bundle that will watch: its alarms, and looks enough for their rules."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from runtime.config.finding import Finding, KeyPath
from runtime.config.references import unknown_alarms
from runtime.config.settings import AlarmSettings, CameraSettings, WatchSettings
from runtime.rule import RuleSettings


def against_bundle(settings: WatchSettings, alarms: Collection[str]) -> Iterator[Finding]:
    """What does not fit a bundle with these alarms."""
    yield from unknown_alarms(settings.model_dump(), alarms)
    for site, each in settings.sites.items():
        for name, camera in each.cameras.items():
            yield from _too_slow(("sites", site, "cameras", name), camera, settings, alarms)


def _too_slow(
    path: KeyPath, camera: CameraSettings, settings: WatchSettings, alarms: Collection[str]
) -> Iterator[Finding]:
    """Alarms that could never be raised, since the rule's window does not hold looks enough at this rate."""
    for name in alarms if camera.alarms is None else camera.alarms:
        alarm = settings.alarms.get(name, AlarmSettings())
        window_s = RuleSettings.window_s if alarm.window is None else alarm.window
        looks = RuleSettings.min_looks if alarm.min_looks is None else alarm.min_looks
        if name in alarms and camera.rate * window_s <= looks - 1:
            yield Finding(
                (*path, "rate"),
                f"too slow for alarm {name}, which wants {looks} looks within {window_s:g} s: give more than "
                f"{(looks - 1) / window_s:g}/s here, or alarms.{name}.window more time",
            )
