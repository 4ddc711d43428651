"""Names of schedules and alarms that a configuration uses, and that must be there, though the rest may yet be wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from runtime.config.finding import Finding, KeyPath, instead, shown


def unknown_schedules(data: Mapping[str, Any]) -> Iterator[Finding]:
    """The schedules that alarms and cameras name and that are not there. `data`: as read, or dumped of settings."""
    schedules = data.get("schedules", {})
    if not isinstance(schedules, dict):
        return
    for path, named in [*_alarms(data), *_modes(data), *cameras(data)]:
        name = named.get("schedule")
        if isinstance(name, str) and name not in schedules:
            yield Finding((*path, "schedule"), f"unknown schedule {shown(name)}; {instead(name, schedules)}")


def unknown_modes(data: Mapping[str, Any]) -> Iterator[Finding]:
    """The modes that alarms name and that are not there."""
    modes = data.get("modes", {})
    if not isinstance(modes, dict):
        return
    for path, alarm in _alarms(data):
        named = alarm.get("modes")
        for index, name in enumerate(named if isinstance(named, list | tuple) else ()):
            if isinstance(name, str) and name not in modes:
                yield Finding((*path, "modes", index), f"unknown mode {shown(name)}; {instead(name, modes)}")


def ambiguous_modes(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Modes must have exactly one without a schedule: the one that holds when no schedule does."""
    modes = data.get("modes", {})
    always = [name for name, mode in _items(modes) if isinstance(mode, dict) and mode.get("schedule") is None]
    if _items(modes) and len(always) != 1:
        text = "no mode holds" if not always else f"{' and '.join(always)} both hold"
        yield Finding(("modes",), f"{text} when no schedule does; leave out the schedule of exactly one mode")


def unknown_sink_cameras(data: Mapping[str, Any]) -> Iterator[Finding]:
    """The cameras and sites that sinks name and that are not there."""
    sites = [site for site, _ in _items(_of(data, "sites"))]
    known = [*("/".join(filter(None, map(str, (path[1], path[3])))) for path, _ in cameras(data)), *sites]
    for path, sink in sinks(data):
        named = sink.get("cameras")
        for index, name in enumerate(named if isinstance(named, list | tuple) else ()):
            if isinstance(name, str) and name not in known:
                text = f"{shown(name)} is no camera and no site; {instead(name, known)}"
                yield Finding((*path, "cameras", index), text)


def unknown_alarms(data: Mapping[str, Any], alarms: Collection[str]) -> Iterator[Finding]:
    """The alarms that are named and that a bundle with `alarms` does not have."""
    for path, name in _named_alarms(data):
        if isinstance(name, str) and name not in alarms:
            yield Finding(path, f"{shown(name)} is no alarm of the bundle; {instead(name, alarms)}")


def cameras(data: Any) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    """The cameras of a file that may yet be wrong anywhere, with their paths."""
    for site, each in _items(_of(data, "sites")):
        for name, camera in _items(_of(each, "cameras")):
            if isinstance(camera, dict):
                yield ("sites", site, "cameras", name), camera


def sinks(data: Any) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    """The sinks of a file that may yet be wrong anywhere, with their paths."""
    for name, sink in _items(_of(data, "sinks")):
        if isinstance(sink, dict):
            yield ("sinks", name), sink


def _alarms(data: Any) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    for name, alarm in _items(_of(data, "alarms")):
        if isinstance(alarm, dict):
            yield ("alarms", name), alarm


def _modes(data: Any) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    for name, mode in _items(_of(data, "modes")):
        if isinstance(mode, dict):
            yield ("modes", name), mode


def _named_alarms(data: Any) -> Iterator[tuple[KeyPath, Any]]:
    for name, _ in _items(_of(data, "alarms")):
        yield ("alarms", name), name
    for path, sink in sinks(data):
        yield from _each(path, ("alarms",), sink.get("alarms"))
    for path, camera in cameras(data):
        zones = [(("zones", zone, "alarms"), _of(each, "alarms")) for zone, each in _items(camera.get("zones"))]
        for within, names in (
            (("alarms",), camera.get("alarms")),
            (("gate", "never_for"), _of(camera.get("gate"), "never_for")),
            *zones,
        ):
            yield from _each(path, within, names)


def _each(path: KeyPath, within: KeyPath, names: Any) -> Iterator[tuple[KeyPath, Any]]:
    for index, name in enumerate(names if isinstance(names, list | tuple) else ()):
        yield (*path, *within, index), name


def _of(data: Any, key: str) -> Any:
    return data.get(key) if isinstance(data, dict) else None


def _items(data: Any) -> list[tuple[str, Any]]:
    return list(data.items()) if isinstance(data, dict) else []
