"""Moments and lengths of time as people give them on the command line."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from edge_resnet.errors import UserError


def moment(option: str, text: str, now: datetime | None = None) -> datetime:
    """A moment in UTC from a day, a local time, or how long ago (`24 h`). Raises UserError, also for the future.

    `option`: what gave `text`, such as --since.
    """
    now = now or datetime.now(timezone.utc)
    try:
        # Without a zone it is the box's own time.
        given = datetime.fromisoformat(text.strip()).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        given = _ago(option, text, now)
    if given > now:
        raise UserError(
            f"{option} {text}: that is in the future; this box's clock says {now.astimezone():%Y-%m-%d %H:%M}"
        )
    return given


def length(option: str, text: str, takes: str) -> timedelta:
    """A length of time (`24 h`). Raises UserError, which says what `option` takes."""
    from pydantic import TypeAdapter, ValidationError

    from runtime.config.units import WRITTEN, Seconds

    try:
        return timedelta(seconds=TypeAdapter(Seconds).validate_python(text, context=WRITTEN))
    except ValidationError as error:
        raise UserError(f"{option} {text}: takes {takes}") from error


def _ago(option: str, text: str, now: datetime) -> datetime:
    takes = 'a day or time such as 2026-11-24 or "2026-11-24 13:00", or how long ago, "24 h"'
    return now - length(option, text, takes)
