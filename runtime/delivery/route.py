"""Which sinks a notice goes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runtime.config.sinks import SinkSettings
from runtime.events.notice import Notice
from runtime.severity import SEVERITIES


def route(sinks: Mapping[str, SinkSettings], notice: Notice) -> Sequence[str]:
    """The names of the sinks that want a notice."""
    return [name for name, settings in sinks.items() if _wants(settings, notice)]


def _wants(settings: SinkSettings, notice: Notice) -> bool:
    if not _watches(settings, notice.camera):
        return False
    # That a camera is down is none of the alarms, and as bad as whoever wants to know it thinks.
    if notice.what in ("down", "up"):
        return settings.camera_down
    bad_enough = SEVERITIES.index(notice.severity) >= SEVERITIES.index(settings.min_severity)
    return settings.events and bad_enough and (settings.alarms is None or notice.alarm in settings.alarms)


def _watches(settings: SinkSettings, camera: str | None) -> bool:
    """Whether a sink is told of a camera; what befalls the whole box (None) befalls all cameras."""
    if settings.cameras is None or camera is None:
        return True
    return any(camera == name or camera.startswith(f"{name}/") for name in settings.cameras)
