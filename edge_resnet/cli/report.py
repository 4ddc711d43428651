"""`edge-resnet report`: what the event store knows of the time that has passed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from edge_resnet.cli import options
from edge_resnet.cli.when import moment
from edge_resnet.command import answer_json
from edge_resnet.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.events.account import Account
    from runtime.events.incident import Incident

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400
_MOST_INCIDENTS = 20
_BY = ("camera", "hour")
# How much of the width a camera's name may take; a longer one is folded.
_NAME_SHARE = 1 / 4


def report(
    ledger: Annotated[bool, typer.Option("--ledger", help="Time that was watched, and why the rest was not.")] = False,
    events: options.Events = options.EVENTS,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help='A day or time of this box\'s clock ("2026-11-24 13:00"), or "24 h".'),
    ] = None,
    by: Annotated[
        str, typer.Option(metavar=f"[{'|'.join(_BY)}]", help="A row for each camera, or for each of its hours.")
    ] = "camera",
    json: options.Json = False,
) -> None:
    """Show for each camera how long it was watched, how long it was blind and why, and what befell it.

    May be called while a stream writes the file.
    """
    from runtime.events.account import accounts, odd_hours
    from runtime.events.store import EventStore

    if not ledger:
        raise UserError("report: nothing was asked for; --ledger shows watched and blind time")
    if by not in _BY:
        raise UserError(f"--by {by}: takes {' or '.join(_BY)}")
    options.require_store(events)
    # Whole hours: of an hour it is not known what lies before the moment that is asked for.
    asked = None if since is None else moment("--since", since)
    hour = asked and asked.replace(minute=0, second=0, microsecond=0)
    begin = hour and hour.isoformat()
    with EventStore(events, read_only=True) as store:
        entries = store.ledger(begin) if begin else store.ledger()
        incidents = store.incidents(begin) if begin else store.incidents()
    rows, odd = accounts(entries, by == "hour"), odd_hours(entries)
    if json:
        answer_json(
            {
                "since": begin,
                "accounts": [_account_json(row) for row in rows],
                "odd_hours": [_account_json(row) for row in odd],
                "incidents": [_incident_json(incident) for incident in incidents],
            }
        )
        return
    span = f" since {hour:%Y-%m-%d %H:%M} UTC{'' if hour == asked else ', rounded down to the hour'}" if hour else ""
    if rows:
        _print_accounts(rows, by == "hour", span)
        _print_check(len({(entry.camera, entry.hour) for entry in entries}), odd)
    else:
        typer.echo(f"no watched time is booked{span}: live cameras are booked, files and folders are not")
    _print_incidents(incidents, span)


def duration(seconds: float) -> str:
    """A length of time for people: 4.2 s, 3 min 20 s, 5 h 10 min, 12 d 3 h."""
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit_s, unit, smaller_s, smaller in ((_DAY_S, "d", _HOUR_S, "h"), (_HOUR_S, "h", _MINUTE_S, "min")):
        if whole >= unit_s:
            return f"{whole // unit_s} {unit} {whole % unit_s // smaller_s} {smaller}"
    return f"{whole // _MINUTE_S} min {whole % _MINUTE_S} s"


def _account_json(row: Account) -> dict[str, object]:
    named = {"camera": row.camera} | ({"hour": row.hour} if row.hour else {})
    sums = {"seconds": row.seconds, "watched_s": row.watched_s, "watched_share": row.watched_share}
    return {**named, **sums, "blind_s": dict(row.blind_s)}


def _incident_json(incident: Incident) -> dict[str, object]:
    from dataclasses import asdict

    return {**asdict(incident), "evidence": dict(incident.evidence)}


def _print_accounts(rows: Sequence[Account], by_hour: bool, span: str) -> None:
    from rich.console import Console
    from rich.markup import escape

    from edge_resnet.cli.tables import plain

    console = Console()
    table = plain(title=f"watched time{span}")
    table.add_column("camera", max_width=int(_NAME_SHARE * console.width), overflow="fold")
    if by_hour:
        table.add_column("hour, UTC", no_wrap=True)
    for column in ("watched", "seen for", "blind for"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("of that", overflow="fold")
    for row in rows:
        blind = ", ".join(f"{_words(name)} {duration(s)}" for name, s in row.blind_s.items()) or "-"
        hour = [row.hour[:16].replace("T", " ")] if by_hour else []
        times = [duration(row.watched_s), duration(row.seconds - row.watched_s)]
        table.add_row(escape(row.camera), *hour, _floored_percent(row.watched_share), *times, blind)
    console.print(table)


def _words(category: str) -> str:
    """A category of the ledger (offline:not_found) as people write it."""
    return category.replace("_", " ").replace(":", ": ")


def _floored_percent(share: float) -> str:
    """Never 100% where a second is missing."""
    return f"{int(share * 10000) / 100:.2f}%"


def _print_check(hours: int, odd: Sequence[Account]) -> None:
    if not odd:
        typer.echo(f"sums: all {hours} camera-hours are whole (a camera's first and last may be shorter)")
        return
    named = ", ".join(f"{row.camera} {row.hour[:16]} ({row.seconds:.0f} s)" for row in odd[:3])
    more = f" and {len(odd) - 3} more" if len(odd) > 3 else ""
    typer.echo(f"sums: {len(odd)} of {hours} camera-hours are not 3600 s, the clock was set in them: {named}{more}")


def _print_incidents(incidents: Sequence[Incident], span: str) -> None:
    from rich.console import Console
    from rich.markup import escape

    from edge_resnet.cli.tables import plain

    if not incidents:
        return
    console = Console()
    table = plain(title=f"incidents{span}")
    for column in ("began, UTC", "lasted"):
        table.add_column(column, no_wrap=True)
    table.add_column("camera", max_width=int(_NAME_SHARE * console.width), overflow="fold")
    table.add_column("what", overflow="fold")
    for incident in incidents[-_MOST_INCIDENTS:]:
        began = datetime.fromisoformat(incident.began_at)
        ended = incident.ended_at and datetime.fromisoformat(incident.ended_at)
        lasted = duration(max(0.0, (ended - began).total_seconds())) if ended else "lasts"
        camera = escape(incident.camera or "(the box)")
        table.add_row(f"{began:%Y-%m-%d %H:%M:%S}", lasted, camera, escape(sentence(incident)))
    console.print(table)
    if len(incidents) > _MOST_INCIDENTS:
        typer.echo(f"the last {_MOST_INCIDENTS} of {len(incidents)} incidents; --json gives all")


def sentence(incident: Incident) -> str:
    """What happened, in one short sentence, without the camera's name."""
    facts, kind = incident.evidence, incident.kind.replace("_", " ")
    match facts:
        case {"reason": str(reason), "text": str(text)}:
            # The text may begin with the camera and its address.
            words = reason.replace("_", " ")
            _, _, advice = text.partition(f"{words}; ")
            said = f"{words}; {advice}" if advice else text or words
        case {"reason": str(reason), "silence_s": float(silence_s)}:
            said = f"{reason.replace('_', ' ')}; no frame for {duration(silence_s)}"
        case {"silence_s": float(silence_s)}:
            said = f"no frame for {duration(silence_s)}"
        case {"still_s": float(still_s)}:
            said = f"the same picture for {duration(still_s)}"
        case {"dark_level": float(level)}:
            said = f"98% of it at most {level:.0f} of 255"
        case {"light_level": float(level)}:
            said = f"98% of it at least {level:.0f} of 255"
        case {"sharpness": float(sharpness), "usual": float(usual)}:
            said = f"sharpness {sharpness:.3f}, usually {usual:.3f}"
        case {"backend": str(backend), "why": str(why)}:
            said = f"{backend} failed: {why}"
        case _:
            said = ", ".join(f"{key} {_short(value)}" for key, value in facts.items())
    return f"{kind}: {said}" if said else kind


def _short(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.3g}"
