"""What is different between two configurations, for a reload that leaves alone what is the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runtime.config.rules import NAMES
from runtime.config.settings import AlarmSettings, WatchSettings

# Read once, when the watch begins.
_FIXED = ("max_wait", "max_batch")


@dataclass(frozen=True)
class Difference:
    """Names of cameras that are `added`, `removed` or `changed`, and of `alarms` whose rule is another.

    `restart`: settings that differ and hold only after a restart. Schedules, modes, time zones and severities are
    looked up each time, so that it is enough to take the new settings.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    alarms: tuple[str, ...]
    restart: tuple[str, ...]


def difference(old: WatchSettings, new: WatchSettings) -> Difference:
    """What leads from `old` to `new`; names in the order of the configuration they stand in."""
    before, after = old.cameras(), new.cameras()
    named = dict.fromkeys([*old.alarms, *new.alarms])
    return Difference(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(name for name in after if name in before and before[name] != after[name]),
        alarms=tuple(name for name in named if _rule(old, name) != _rule(new, name)),
        restart=tuple(name for name in _FIXED if getattr(old, name) != getattr(new, name)),
    )


def _rule(settings: WatchSettings, alarm: str) -> dict[str, Any]:
    """What is set of an alarm's rule."""
    return settings.alarms.get(alarm, AlarmSettings()).model_dump(include=set(NAMES))
