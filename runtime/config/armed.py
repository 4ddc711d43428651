"""Whether an alarm of a camera may be raised at a time, in the mode that is in force."""

from __future__ import annotations

from datetime import datetime

from runtime.config.settings import SiteSettings, WatchSettings
from runtime.config.timezone import zone


def armed(settings: WatchSettings, camera: str, alarm: str, now: datetime, commanded: str | None = None) -> bool:
    """Whether `alarm` is watched for by `camera` (its full name), and both are armed at `now`, which knows its offset.

    Schedules are of the time at the camera's site. `commanded`: the mode that a person has put in force, None for none.
    Raises KeyError for a camera that there is not.
    """
    site, watched = settings.placed_cameras()[camera]
    if watched.alarms is not None and alarm not in watched.alarms:
        return False
    changed = settings.alarms.get(alarm)
    modes = None if changed is None else changed.modes
    if modes is not None and mode_in_force(settings, site, now, commanded) not in modes:
        return False
    named = {watched.schedule, None if changed is None else changed.schedule}
    return all(settings.schedules[name].holds(_local(site, now)) for name in named if name is not None)


def mode_in_force(settings: WatchSettings, site: SiteSettings, now: datetime, commanded: str | None) -> str | None:
    """The mode at a site: what a person commanded, else the first whose schedule holds, else the one without any.

    None where there are no modes. A mode that was commanded and is no longer in the configuration is not obeyed.
    """
    if commanded in settings.modes:
        return commanded
    local = _local(site, now)
    scheduled = {name: mode.schedule for name, mode in settings.modes.items()}
    holding = [name for name, schedule in scheduled.items() if schedule and settings.schedules[schedule].holds(local)]
    return next(iter(holding), next((name for name, schedule in scheduled.items() if schedule is None), None))


def _local(site: SiteSettings, now: datetime) -> datetime:
    return now.astimezone(None if site.timezone is None else zone(site.timezone))
