"""What is different between two configurations, for a reload that leaves alone what is the same."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.config.settings import WatchSettings

# Read once, when the watch begins.
_FIXED = ("max_wait", "max_batch")


@dataclass(frozen=True)
class Difference:
    """Names of cameras that are `added`, `removed` or `changed`, and of `alarms` and `sinks` whose settings are not the
    same.

    `restart`: settings that differ and hold only after a restart. Schedules and time zones are looked up each time, so
    that it is enough to take the new settings.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    alarms: tuple[str, ...]
    restart: tuple[str, ...]
    sinks: tuple[str, ...] = ()


def difference(old: WatchSettings, new: WatchSettings) -> Difference:
    """What leads from `old` to `new`; names in the order of the configuration they stand in."""
    before, after = old.cameras(), new.cameras()
    sinks = dict.fromkeys([*old.sinks, *new.sinks])
    named = dict.fromkeys([*old.alarms, *new.alarms])
    return Difference(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(name for name in after if name in before and before[name] != after[name]),
        alarms=tuple(name for name in named if old.alarms.get(name) != new.alarms.get(name)),
        restart=tuple(name for name in _FIXED if getattr(old, name) != getattr(new, name)),
        sinks=tuple(name for name in sinks if old.sinks.get(name) != new.sinks.get(name)),
    )
