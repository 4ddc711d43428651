"""Moments and lengths of time as people give them on the command line."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from edge_resnet.errors import UserError

_A_DAY = 'a day or time such as 2026-11-24 or "2026-11-24 13:00"'
_AGO = 'or how long ago, "24 h"'


def moment(option: str, text: str, now: datetime | None = None) -> datetime:
    """A moment in UTC from a day, a local time, or how long ago (`24 h`). Raises UserError, also for the future.

    `option`: what gave `text`, such as --since.
    """
    return _moment(option, text, now or datetime.now(timezone.utc), f"{_A_DAY}, {_AGO}")


def _moment(option: str, text: str, now: datetime, takes: str) -> datetime:
    try:
        # Without a zone it is the box's own time.
        given = datetime.fromisoformat(text.strip()).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        given = now - length(option, text, takes)
    if given > now:
        raise UserError(
            f"{option} {text}: that is in the future; this box's clock says {now.astimezone():%Y-%m-%d %H:%M}"
        )
    return given


def moment_or_time(option: str, text: str, now: datetime | None = None) -> datetime:
    """The same; also from a time of day (`13:05`, `13:05:30`): of today, or of yesterday where it is still to come."""
    now = now or datetime.now(timezone.utc)
    for form in ("%H:%M", "%H:%M:%S"):
        try:
            time = datetime.strptime(text.strip(), form).time()
        except ValueError:
            continue
        # Of naive days, so that it is that time on the clock where summer time began or ended in between.
        today = datetime.combine(now.astimezone().date(), time)
        given = today.astimezone(timezone.utc)
        return given if given <= now else (today - timedelta(days=1)).astimezone(timezone.utc)
    return _moment(option, text, now, f"{_A_DAY}, a time of day (13:00, 13:00:30), {_AGO}")


def length(option: str, text: str, takes: str) -> timedelta:
    """A length of time (`24 h`). Raises UserError, which says what `option` takes, or how long it may be."""
    from pydantic import TypeAdapter, ValidationError

    from runtime.config.units import LONGEST_S, WRITTEN, Seconds, quantity

    try:
        return timedelta(seconds=TypeAdapter(Seconds).validate_python(text, context=WRITTEN))
    except ValidationError as error:
        outside = text.strip().startswith("-") or error.errors()[0]["type"] in ("greater_than", "less_than_equal")
        why = f"a length of time is over 0 and at most {quantity(LONGEST_S, '10 s')}" if outside else f"takes {takes}"
        raise UserError(f"{option} {text}: {why}") from error
