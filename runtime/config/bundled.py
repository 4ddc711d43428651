"""Whether settings fit the bundle that will watch: its alarms, and looks enough for their rules."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from runtime.config.finding import Finding, KeyPath, instead, shown
from runtime.config.settings import AlarmSettings, CameraSettings, WatchSettings
from runtime.rule import RuleSettings


def against_bundle(settings: WatchSettings, alarms: Collection[str]) -> Iterator[Finding]:
    """What does not fit a bundle with these alarms."""
    for name in settings.alarms:
        if name not in alarms:
            yield Finding(("alarms", name), _unknown(name, alarms))
    for site, each in settings.sites.items():
        for name, camera in each.cameras.items():
            path = ("sites", site, "cameras", name)
            yield from _unknown_alarms(path, camera, alarms)
            yield from _too_slow(path, camera, settings, alarms)


def _unknown_alarms(path: KeyPath, camera: CameraSettings, alarms: Collection[str]) -> Iterator[Finding]:
    for within, named in ((("alarms",), camera.alarms or ()), (("gate", "never_for"), camera.gate.never_for)):
        for index, name in enumerate(named):
            if name not in alarms:
                yield Finding((*path, *within, index), _unknown(name, alarms))


def _unknown(name: str, alarms: Collection[str]) -> str:
    return f"{shown(name)} is no alarm of the bundle; {instead(name, alarms)}"


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
