"""Whether settings fit the bundle that will watch: alarms it has, thresholds it reaches, looks enough, zones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from edge_resnet.errors import UserError
from edge_resnet.manifest import AlarmSpec, InputSpec
from runtime.config.addresses import of_addresses
from runtime.config.finding import Finding, KeyPath
from runtime.config.references import unknown_alarms
from runtime.config.rules import rule_of
from runtime.config.settings import CameraSettings, WatchSettings
from runtime.zones import fault


def against_bundle(
    settings: WatchSettings, alarms: Mapping[str, AlarmSpec], input: InputSpec | None = None
) -> Iterator[Finding]:
    """What does not fit a bundle with these alarms and this `input` (None: zones are not checked)."""
    yield from unknown_alarms(settings.model_dump(), alarms)
    for name, alarm in alarms.items():
        yield from _never_raised(settings, name, alarm)
    for site, each in settings.sites.items():
        for camera, watched in each.cameras.items():
            path = ("sites", site, "cameras", camera)
            yield from _too_slow(path, watched, settings, alarms)
            if input is not None:
                yield from _unfit_zones(path, watched, input)


def watch_addresses(addresses: Sequence[str], rate: float, alarms: Mapping[str, AlarmSpec]) -> WatchSettings:
    """A watch of the command line's addresses at its --rate. Raises UserError where that does not fit the bundle."""
    settings = of_addresses(addresses, rate=rate)
    for finding in against_bundle(settings, alarms):
        raise UserError(f"--rate {rate:g}: {finding.text}" if "rate" in finding.path else finding.text)
    return settings


def _never_raised(settings: WatchSettings, name: str, alarm: AlarmSpec) -> Iterator[Finding]:
    """A rule that contradicts itself, or a threshold that no picture of validation reaches."""
    try:
        rule = rule_of(settings, name, alarm)
    except ValueError as error:
        yield Finding(("alarms", name), f"{error}; the bundle's threshold is {alarm.threshold:g}")
        return
    if alarm.reached is None or not any(_judged_whole(name, camera) for camera in settings.cameras().values()):
        return
    for key, wanted in (("threshold", rule.threshold), ("mean_threshold", rule.mean_threshold)):
        if wanted > alarm.reached:
            text = (
                f"{name} could never be raised: {key} {wanted:.2f}, and no picture of the validation set reached more "
                f"than {alarm.reached:.2f}; lower it, or train with more pictures of it"
            )
            yield Finding(("alarms", name, key), text)
            return


def _judged_whole(alarm: str, camera: CameraSettings) -> bool:
    """Whether a camera watches for an alarm in its whole picture; what a zone's evidence reaches is not known."""
    watched = camera.alarms is None or alarm in camera.alarms
    return watched and not any(alarm in zone.alarms for zone in camera.zones.values())


def _unfit_zones(path: KeyPath, camera: CameraSettings, input: InputSpec) -> Iterator[Finding]:
    """Zones of which the network's map says nothing."""
    for name, zone in camera.zones.items():
        if wrong := fault(zone.polygon, input):
            yield Finding((*path, "zones", name, "polygon"), wrong)


def _too_slow(
    path: KeyPath, camera: CameraSettings, settings: WatchSettings, alarms: Mapping[str, AlarmSpec]
) -> Iterator[Finding]:
    """Alarms that could never be raised, since the rule's window does not hold looks enough at this rate."""
    for name in alarms if camera.alarms is None else camera.alarms:
        if name not in alarms:
            continue
        try:
            rule = rule_of(settings, name, alarms[name])
        except ValueError:
            continue  # told by _never_raised
        if camera.rate * rule.window_s <= rule.min_looks - 1:
            yield Finding(
                (*path, "rate"),
                f"too slow for alarm {name}, which wants {rule.min_looks} looks within {rule.window_s:g} s: give more "
                f"than {(rule.min_looks - 1) / rule.window_s:g}/s here, or alarms.{name}.window more time",
            )
