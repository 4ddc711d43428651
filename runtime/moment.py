"""Moments as the event store writes them: ISO 8601 in milliseconds, which compare as texts do."""

from __future__ import annotations

from datetime import datetime

# What is written to be older is of a box whose clock was not set yet: it began in 1970.
CLOCK_WAS_SET = "2020"


def iso(moment: datetime) -> str:
    """An aware moment; in UTC, if it is to be compared."""
    return moment.isoformat(timespec="milliseconds")
