"""A rule that was chosen, written into the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime.config.edit import set_values
from runtime.config.fill import Unset
from runtime.config.finding import KeyPath
from runtime.config.load import load
from runtime.rule_settings import RuleSettings


def adopt(config: Path, chosen: Mapping[str, RuleSettings]) -> None:
    """Write the rules of alarms into a configuration; what else it says stays. Raises UserError."""
    today = load(config, environment=Unset()).alarms
    changes: dict[KeyPath, Any] = {}
    for alarm, settings in chosen.items():
        written = as_written(settings)
        if alarm in today and today[alarm].low_threshold is not None:
            # Where it stands, it must follow.
            written["low_threshold"] = round(settings.low_threshold, 6)
        changes.update({("alarms", alarm, key): value for key, value in written.items()})
    if changes:
        set_values(config, changes)


def as_written(settings: RuleSettings) -> dict[str, Any]:
    """What a sweep varies, as people write it."""
    return {
        "threshold": settings.threshold,
        "mean_threshold": settings.mean_threshold,
        "window": f"{settings.window_s:g} s",
        "share": settings.share,
    }
