"""Time zones by their names in the IANA database."""

from __future__ import annotations

from zoneinfo import ZoneInfo, available_timezones

from runtime.config.finding import instead, shown


def zone(name: str) -> ZoneInfo:
    """The time zone of a name. Raises ValueError, which says what was probably meant."""
    try:
        return ZoneInfo(name)
    # Each in its own way: an unknown name, one that leaves the database, one that is a folder of it.
    except (KeyError, ValueError, OSError):
        known = available_timezones()
    if not known:
        raise ValueError(f"{shown(name)}: no time zones are installed here; pip install tzdata")
    # Nobody reads 600 names.
    hint = instead(name, sorted(known))
    raise ValueError(
        f"{shown(name)} is no time zone; {hint if hint.startswith('did') else 'take one such as Europe/Berlin'}"
    )
