"""Whether an alarm of a camera may be raised at a time."""

from __future__ import annotations

from datetime import datetime

from runtime.config.settings import WatchSettings
from runtime.config.timezone import zone


def armed(settings: WatchSettings, camera: str, alarm: str, now: datetime) -> bool:
    """Whether `alarm` is watched for by `camera` (its full name), and both are armed at `now`, which knows its offset.

    Schedules are of the time at the camera's site. Raises KeyError for a camera that there is not.
    """
    site, watched = settings.placed_cameras()[camera]
    if watched.alarms is not None and alarm not in watched.alarms:
        return False
    local = now.astimezone(None if site.timezone is None else zone(site.timezone))
    named = {watched.schedule, settings.alarms[alarm].schedule if alarm in settings.alarms else None}
    return all(settings.schedules[name].holds(local) for name in named if name is not None)
