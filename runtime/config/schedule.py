"""When an alarm is armed: days of the week and times of the day, over midnight too."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from runtime.config.base import Settings
from runtime.config.finding import shown

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


def _time_of_day(value: object) -> object:
    if isinstance(value, time):
        return value
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        # YAML 1.1 takes 22:00 without quotes for the number 1320.
        raise ValueError(f'{shown(value)} is no time of day; write it in quotes, like "22:00"')
    return time(int(found[1]), int(found[2]))


TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day),
    WithJsonSchema({"type": "string", "pattern": f"^{_TIME.pattern}$", "examples": ["22:00"]}),
]


class Period(Settings):
    """From `start` to `end` (not included) on `days`; where the end is not after the start, until the next day."""

    days: tuple[Day, ...] = DAYS
    """The days on which it begins."""
    start: TimeOfDay = time(0, 0)
    """In quotes, for YAML takes 22:00 for a number."""
    end: TimeOfDay = time(0, 0)
    """Not included; where it is not after the start, it is of the next day."""

    def holds(self, local: datetime) -> bool:
        """Whether a local time lies in this period."""
        now, today = local.time(), DAYS[local.weekday()]
        if self.start < self.end:
            return today in self.days and self.start <= now < self.end
        yesterday = DAYS[(local - timedelta(days=1)).weekday()]
        return (today in self.days and now >= self.start) or (yesterday in self.days and now < self.end)


class Schedule(Settings):
    """When something is armed."""

    periods: tuple[Period, ...] = Field(min_length=1)
    """Any of them is enough."""

    def holds(self, local: datetime) -> bool:
        """Whether it is armed at a local time."""
        return any(period.holds(local) for period in self.periods)
