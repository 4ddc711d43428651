"""`edge-resnet events`: what was raised, what came near, what people say of it; export, backup and purge."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_resnet.cli import options
from edge_resnet.command import answer_json
from edge_resnet.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from runtime.config.recording import RetentionSettings
    from runtime.events.event import Event
    from runtime.events.near_miss import NearMiss
    from runtime.events.query import Query
    from runtime.events.store import EventStore
    from runtime.events.verdict import Verdict

app = typer.Typer(help="Events of the stream: list, show, export, judge, back up, purge.", no_args_is_help=True)

Camera = Annotated[str | None, typer.Option(help="Only of this camera, by its full name (site/camera).")]
Alarm = Annotated[str | None, typer.Option(help="Only of this alarm.")]
_WHEN = 'A day or time of this box\'s clock ("2026-11-24 13:00"), or how long ago ("24 h").'
Since = Annotated[str | None, typer.Option(metavar="WHEN", help=_WHEN)]
Until = Annotated[str | None, typer.Option(metavar="WHEN", help=_WHEN)]
Id = Annotated[str, typer.Argument(metavar="EVENT", help="The beginning of its id, or last for the newest.")]


@app.command(name="list")
def list_events(
    events: options.Events = options.EVENTS,
    camera: Camera = None,
    alarm: Alarm = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="The newest so many.")] = 50,
    misses: Annotated[
        bool, typer.Option("--misses", help="What came near an alarm and raised none, and why not.")
    ] = False,
    json: options.Json = False,
) -> None:
    """List the newest events, the newest last; they last from the first look that held them to their end."""
    query = _query(camera, alarm, since, until)
    with _reading(events) as store:
        _check_known(store, query)
        verdicts = _verdicts(store)
        found = store.select(query, limit)[::-1]
        near = store.select_misses(query, limit)[::-1] if misses else []
    if json:
        rows = near if misses else found
        answer_json({"misses" if misses else "events": [_json(each, verdicts) for each in rows]})
    elif misses:
        _print_misses(near)
    else:
        _print_events(found, verdicts)


@app.command()
def show(event: Id, events: options.Events = options.EVENTS, json: options.Json = False) -> None:
    """Show all that is kept of an event: its fields, pictures, deliveries, verdict, and what woke its camera."""
    from runtime.events.find import find_event

    with _reading(events) as store:
        found = find_event(store, event)
        answer = _json(found, _verdicts(store))
        answer["media"] = [
            {"kind": kind, "path": path, "bytes": size, "cut": cut}
            for kind, path, size, cut in store.database.rows(
                "SELECT kind, path, bytes, cut FROM media WHERE event_id = ? ORDER BY id", (found.id,)
            )
        ]
        answer["deliveries"] = [
            {"sink": sink, "notice": notice, "state": state, "attempts": attempts, "error": error}
            for sink, notice, state, attempts, error in store.database.rows(
                "SELECT sink, notice_id, state, attempts, error FROM deliveries WHERE event_id = ? ORDER BY id",
                (found.id,),
            )
        ]
        answer["attention"] = _attention(store, found)
    if json:
        answer_json(answer)
        return
    for name, value in answer.items():
        rows = value if isinstance(value, list) else [value]
        for row in rows:
            words = "  ".join(f"{key} {each}" for key, each in row.items()) if isinstance(row, dict) else row
            typer.echo(f"{name:14} {'-' if words is None else words}")


@app.command()
def export(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A file that ends in .csv or .jsonl.")],
    events: options.Events = options.EVENTS,
    camera: Camera = None,
    alarm: Alarm = None,
    since: Since = None,
    until: Until = None,
    json: options.Json = False,
) -> None:
    """Write events with their verdicts to a file, for a spreadsheet or another program."""
    from edge_resnet import files

    if out.suffix not in (".csv", ".jsonl"):
        raise UserError(f"{out}: events are exported as CSV or JSON lines; name a file that ends in .csv or .jsonl")
    query = _query(camera, alarm, since, until)
    with _reading(events) as store:
        _check_known(store, query)
        verdicts = _verdicts(store)
        rows = [_json(each, verdicts) for each in store.select(query, -1)[::-1]]
    files.write_text(out, _csv(rows) if out.suffix == ".csv" else _lines(rows))
    if json:
        answer_json({"file": str(out), "events": len(rows), "bytes": out.stat().st_size})
    else:
        typer.echo(f"{out}: {len(rows)} event{'s' * (len(rows) != 1)}")


@app.command()
def verdict(
    event: Id,
    judged: Annotated[str, typer.Argument(metavar="[true|false|unclear]", help="Was there what the alarm said?")],
    note: Annotated[str, typer.Option(help="A word on why.")] = "",
    events: options.Events = options.EVENTS,
    json: options.Json = False,
) -> None:
    """Say whether an event was right: backtests of recorded scores take it for the truth."""
    from datetime import datetime, timezone

    from runtime.events.find import SHORT_ID, find_event
    from runtime.events.store import EventStore
    from runtime.events.verdict import JUDGED, Verdict, give

    chosen = next((each for each in JUDGED if each == judged), None)
    if chosen is None:
        raise UserError(f"{judged}: a verdict is one of {', '.join(JUDGED)}")
    options.require_store(events)
    with EventStore(events) as store:
        found = find_event(store, event)
        given = Verdict(found.id, chosen, note, datetime.now(timezone.utc).isoformat(timespec="milliseconds"))
        give(store.database, given)
    if json:
        answer_json(vars(given))
    else:
        typer.echo(f"{found.id[:SHORT_ID]} ({found.alarm} at {found.camera}): {chosen}")


@app.command()
def backup(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The copy; replaced, when it is there.")],
    events: options.Events = options.EVENTS,
    json: options.Json = False,
) -> None:
    """Copy the event store while a stream writes to it; pictures and clips are files of their own, copy them too."""
    from runtime.events.backup import backup as copy

    options.require_store(events)
    copy(events, out)
    if json:
        answer_json({"copy": str(out), "bytes": out.stat().st_size})
    else:
        typer.echo(f"{out}: {out.stat().st_size / 1e6:.1f} MB, whole")


@app.command()
def purge(
    events: options.Events = options.EVENTS,
    config: Annotated[Path | None, typer.Option(metavar="CAMERAS.yaml", help="Whose retention holds.")] = None,
    before: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Instead: all of before then, and only that, events too. " + _WHEN),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would go.")] = False,
    json: options.Json = False,
) -> None:
    """Delete what is older, or takes more room, than a configuration says, as a stream that runs does; or what is old.

    An event that has not ended, or that somebody has still to be told of, stays.
    """
    from datetime import datetime, timezone

    from runtime.events.purge import purge as carry_out

    options.require_store(events)
    now = datetime.now(timezone.utc)
    _, gone = carry_out(events, _retention(config, before, now), now, dry_run)
    if json:
        answer_json({"dry_run": dry_run, "files": dict(gone.files), "bytes": gone.bytes, "rows": dict(gone.rows)})
        return
    parts = [f"{count} {name.replace('_', ' ')}" for name, count in gone.rows.items()]
    parts += [f"{gone.files.total()} files, {gone.bytes / 1e6:.1f} MB"] if gone.files else []
    typer.echo(f"{'would go' if dry_run else 'gone'}: {', '.join(parts) or 'nothing'}")


def _retention(config: Path | None, before: str | None, now: datetime) -> RetentionSettings:
    from edge_resnet.cli.when import moment
    from runtime.config.fill import Unset
    from runtime.config.load import load
    from runtime.config.recording import RetentionSettings

    if config is not None and before is not None:
        raise UserError("--config and --before: the retention of the one, or all before the other? Give one of them")
    if config is not None:
        return load(config, environment=Unset()).retention
    if before is None:
        raise UserError("name --config or --before: by the retention of a configuration, or all of before a moment")
    age_s = (now - moment("--before", before, now)).total_seconds()
    kept = ("keep_clips", "keep_snapshots", "keep_scores", "keep_near_misses", "keep_events")
    # Not what a configuration may say: of any age, and without a bound of size or disk.
    unbounded = {"max_size": float("inf"), "min_free": 0.0}
    return RetentionSettings().model_copy(update={**dict.fromkeys(kept, age_s), **unbounded})


def _query(camera: str | None, alarm: str | None, since: str | None, until: str | None) -> Query:
    from edge_resnet.cli.when import moment
    from runtime.events.query import Query

    begin, end = (
        None if text is None else moment(option, text).isoformat(timespec="milliseconds")
        for option, text in (("--since", since), ("--until", until))
    )
    if begin is not None and end is not None and begin >= end:
        raise UserError(f"--since {since} is not before --until {until}")
    return Query(camera, alarm, begin, end)


def _check_known(store: EventStore, query: Query) -> None:
    """Raise UserError for a camera or an alarm that the store knows nothing of: that is a slip, not an empty answer."""
    from runtime.config.finding import instead

    for option, asked, known in (("--camera", query.camera, store.cameras), ("--alarm", query.alarm, store.alarms)):
        if asked is not None and asked not in (names := known()):
            raise UserError(f"{option} {asked}: nothing of it in {store.path}; {instead(asked, names)}")


@contextmanager
def _reading(events: Path) -> Iterator[EventStore]:
    from runtime.events.store import EventStore

    options.require_store(events)
    with EventStore(events, read_only=True) as store:
        yield store


def _attention(store: EventStore, event: Event) -> list[dict[str, Any]]:
    """The rungs of the ladder that led to an event, as --jsonl names them; none without a ladder, or looks of it."""
    from runtime.events.database import Damaged
    from runtime.why.fired import why

    try:
        woken = why(store, event).woken
    except Damaged:
        # The event itself can be read, and why tells what cannot.
        return []
    return [
        {"time_s": turn.time_s, "attention": turn.attention, "attention_why": turn.attention_why or None}
        for turn in woken
    ]


def _verdicts(store: EventStore) -> dict[str, Verdict]:
    from runtime.events.verdict import verdicts

    return verdicts(store.database)


def _json(subject: Event | NearMiss, verdicts: dict[str, Verdict]) -> dict[str, Any]:
    from dataclasses import asdict

    from runtime.events.event import Event

    answer = asdict(subject)
    if isinstance(subject, Event):
        given = verdicts.get(subject.id)
        answer["verdict"], answer["note"] = (None, None) if given is None else (given.verdict, given.note)
    return answer


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    import csv
    import io
    from dataclasses import fields

    from runtime.events.event import Event

    text = io.StringIO()
    writer = csv.DictWriter(text, [*(field.name for field in fields(Event)), "verdict", "note"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _lines(rows: Sequence[dict[str, Any]]) -> str:
    from json import dumps

    return "".join(dumps(row, allow_nan=False) + "\n" for row in rows)


def _when(at: str | None, seconds: float) -> str:
    """The local time, or of a file the time in it."""
    from datetime import datetime

    if at is None:
        return f"{seconds:.1f} s"
    return datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _print_events(found: Sequence[Event], verdicts: dict[str, Verdict]) -> None:
    from edge_resnet.cli.report import duration
    from edge_resnet.cli.tables import print_rows
    from runtime.events.find import SHORT_ID
    from runtime.judge import Target

    if not found:
        typer.echo("no events")
        return
    rows = [
        {
            "event": event.id[:SHORT_ID],
            "when": _when(event.raised_at, event.raised_s),
            "camera": event.camera,
            "alarm": str(Target(event.alarm, event.zone)),
            "severity": event.severity,
            "lasted": "held" if event.ended_s is None else duration(event.ended_s - event.started_s),
            "peak": f"{event.peak:.2f}",
            "verdict": verdicts[event.id].verdict if event.id in verdicts else "-",
        }
        for event in found
    ]
    print_rows(rows, ("event", "when", "lasted"), spare="severity")


def _print_misses(found: Sequence[NearMiss]) -> None:
    from edge_resnet.cli.tables import print_rows
    from runtime.events.find import SHORT_ID
    from runtime.judge import Target

    if not found:
        typer.echo("no near misses")
        return
    rows = [
        {
            "near miss": miss.id[:SHORT_ID],
            "when": _when(miss.seen_at, miss.best_s),
            "camera": miss.camera,
            "alarm": str(Target(miss.alarm, miss.zone)),
            "did not fire": miss.reason,
        }
        for miss in found
    ]
    print_rows(rows, ("near miss", "when"))
