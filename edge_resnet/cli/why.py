"""`edge-resnet why`: why an alarm was raised, why one was not, and why nothing was at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_resnet.cli import options
from edge_resnet.cli.when import length, moment_or_time
from edge_resnet.command import answer_json, say
from edge_resnet.environment import require
from edge_resnet.errors import UserError

if TYPE_CHECKING:
    from runtime.events.event import Event
    from runtime.events.media import Medium
    from runtime.events.near_miss import NearMiss
    from runtime.why.fired import Why
    from runtime.why.silent import Silence
    from runtime.why.trace import Step, Trace

# So many looks before and after the one that decided are printed; --json gives all.
_SHOWN = 12


_AT = (
    'When: of this box\'s clock ("2026-11-24 13:00"), a time of day (13:00, 13:00:30; of today, or of yesterday where '
    'that is still to come), or how long ago ("2 h").'
)


def why(
    event: Annotated[
        str | None,
        typer.Argument(
            metavar="[EVENT]",
            help="The beginning of the id of an event or a near miss; last, or last-miss for the newest.",
        ),
    ] = None,
    events: options.Events = options.EVENTS,
    camera: Annotated[
        str | None, typer.Option(help="Why did this camera (site/camera) not raise anything? With --at.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help=_AT),
    ] = None,
    around: Annotated[str, typer.Option(metavar="TIME", help="How long before and after --at is looked at.")] = "1 min",
    alarm: Annotated[str | None, typer.Option(help="With --camera: only this alarm.")] = None,
    picture: Annotated[Path | None, typer.Option(metavar="FILE", help="Also draw the trace (PNG, SVG or PDF).")] = None,
    json: options.Json = False,
) -> None:
    """Tell why an alarm was raised or was not, from the recorded looks: "2 of 3 looks, best 0.64 under 0.70".

    May be called while a stream writes the file.
    """
    if picture is not None:
        if picture.suffix.lower() not in (".png", ".svg", ".pdf"):
            raise UserError(f"--picture {picture}: takes a file that ends in .png, .svg or .pdf")
        require("matplotlib", extra="train")
    if event is not None and camera is None and at is None:
        _tell_event(event, events, picture, json)
    elif event is None and camera is not None and at is not None:
        _tell_silence(camera, at, around, alarm, events, picture, json)
    else:
        raise UserError("name an event (or last, last-miss), or a camera and a time: --camera yard/gate --at 13:05")


def _tell_event(id: str, events: Path, picture: Path | None, json: bool) -> None:
    from runtime.events.find import find_subject
    from runtime.events.store import EventStore
    from runtime.why.fired import why as find

    options.require_store(events)
    with EventStore(events, read_only=True) as store:
        found = find(store, find_subject(store, id))
    if picture is not None:
        _draw_subject(picture, found)
    if json:
        answer_json(_subject_json(found, picture))
    else:
        _print_subject(found)


def _tell_silence(
    camera: str, at: str, around: str, alarm: str | None, events: Path, picture: Path | None, json: bool
) -> None:
    from runtime.config.finding import instead
    from runtime.events.store import EventStore
    from runtime.why.silent import silence

    takes = 'a time such as "30 s" or "5 min"'
    moment, around_s = moment_or_time("--at", at), length("--around", around, takes).total_seconds()
    options.require_store(events)
    with EventStore(events, read_only=True) as store:
        found = silence(store, camera, moment, around_s, alarm)
    if not found.known:
        raise UserError(f"--camera {camera}: {events} knows no such camera; {instead(camera, sorted(found.names))}")
    if picture is not None:
        _draw_traces(picture, found)
    if json:
        answer_json(_silence_json(found))
        return
    local = f"{found.since.astimezone():%Y-%m-%d %H:%M:%S} to {found.until.astimezone():%H:%M:%S}"
    typer.echo(f"{camera}, {local}{'' if alarm is None else f', {alarm}'}")
    for sentence in found.sentences():
        typer.echo(f"  {sentence}")


def _draw_subject(picture: Path, found: Why) -> None:
    from edge_resnet.plots.trace import draw

    if found.trace is None:
        raise UserError(f"--picture {picture}: no looks are kept of {found.subject.id[:8]}, there is nothing to draw")
    shown = next((each.path for kind in ("heat", "snapshot") for each in found.media if each.kind == kind), None)
    draw(picture, found.trace, _title(found.subject), found.decisive, shown)
    say(f"picture: {picture}")


def _draw_traces(picture: Path, found: Silence) -> None:
    """Of several targets, the one that came nearest."""
    from edge_resnet.plots.trace import draw

    if not found.traces:
        raise UserError(f"--picture {picture}: no looks are kept of then, there is nothing to draw")
    best = max(found.traces, key=lambda trace: max(step.probability - trace.rule.threshold for step in trace.steps))
    draw(picture, best, f"{best.target}, {found.camera}, {found.since.astimezone():%Y-%m-%d %H:%M:%S}", None)
    say(f"picture: {picture}")


def _title(subject: Event | NearMiss) -> str:
    from runtime.events.event import Event
    from runtime.judge import Target

    if isinstance(subject, Event):
        what, at, time_s = "event", subject.raised_at, subject.raised_s
    else:
        what, at, time_s = "near miss", subject.seen_at, subject.best_s
    # Of a file only its own time is known.
    when = f"at {time_s:.1f} s, watched {_local(subject.created_at)}" if at is None else _local(at)
    return f"{what} {subject.id[:8]}: {Target(subject.alarm, subject.zone)}, {subject.camera}, {when}"


def _local(at: str) -> str:
    from datetime import datetime

    return f"{datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M:%S}"


def _print_subject(found: Why) -> None:
    typer.echo(_title(found.subject))
    for sentence in found.sentences():
        typer.echo(f"  {sentence}")
    subject = found.subject
    typer.echo(f"  decided by {subject.backend} {subject.precision}, model {subject.model_sha256[:12]}")
    if found.verdict is not None:
        note = f" ({found.verdict.note})" if found.verdict.note else ""
        typer.echo(f"  a person says: {found.verdict.verdict}{note}")
    for medium in found.media:
        typer.echo(f"  {medium.kind}: {medium.path}{_cut(medium)}")
    if found.trace is not None:
        _print_steps(found.trace, found.decisive)


def _cut(medium: Medium) -> str:
    """Why a clip ends before it should, in words."""
    if medium.cut is None:
        return ""
    why = {"max_length": "max_length (recording, in cameras.yaml)", "size": "the most that is gathered for one clip"}
    return f" (cut at {why.get(medium.cut, medium.cut)}: there was more to show)"


def _print_steps(trace: Trace, decisive: Step | None) -> None:
    from rich.console import Console

    from edge_resnet.cli.tables import plain

    place = trace.steps.index(decisive) if decisive is not None else 0
    shown = trace.steps[max(0, place - _SHOWN) : place + _SHOWN + 1]
    table = plain()
    # On the ladder packets do the work of the gate, where it is not given as well.
    climbs, gated = any(step.attention for step in shown), any(step.gate != "off" for step in shown)
    whys = [name for name, there in (("gate", gated or not climbs), ("attention", climbs)) if there]
    for column in ("at, s", "probability", "state", "lacks", *whys, "age"):
        table.add_column(column, justify="right" if column in ("at, s", "probability", "age") else "left")
    for step in shown:
        age = "-" if step.age_s is None else f"{step.age_s:.2f} s"
        over = "*" if step.probability >= trace.rule.threshold else " "
        style = "bold" if step is decisive else ""
        words = ", ".join(step.lacks) or "-"
        reason = f" ({step.attention_why})" if step.attention_why else ""
        told = {"gate": step.gate, "attention": f"{step.attention or '-'}{reason}"}
        table.add_row(
            *(f"{step.time_s:.1f}", f"{step.probability:.2f}{over}", step.state, words),
            *(told[name] for name in whys),
            age,
            style=style,
        )
    Console().print(table)
    left = len(trace.steps) - len(shown)
    typer.echo(f"* over the threshold{f'; {left} more looks: --json' if left else ''}")


def _subject_json(found: Why, picture: Path | None) -> dict[str, Any]:
    from dataclasses import asdict

    kind = "near_miss" if hasattr(found.subject, "reason") else "event"
    return {
        "kind": kind,
        kind: asdict(found.subject),
        "why": found.sentences(),
        "reach": None if found.reach is None else asdict(found.reach),
        "decisive_s": None if found.decisive is None else found.decisive.time_s,
        "trace": None if found.trace is None else _trace_json(found.trace),
        "media": [
            {"kind": each.kind, "path": str(each.path), "bytes": each.bytes, "cut": each.cut} for each in found.media
        ],
        "verdict": None if found.verdict is None else asdict(found.verdict),
        "picture": None if picture is None else str(picture),
    }


def _silence_json(found: Silence) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "camera": found.camera,
        "alarm": found.alarm,
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "why": found.sentences(),
        "events": [asdict(each) for each in found.events],
        "near_misses": [asdict(each) for each in found.misses],
        "incidents": [{**asdict(each), "evidence": dict(each.evidence)} for each in found.incidents],
        "booked_s": dict(found.booked),
        "traces": [_trace_json(each) for each in found.traces],
    }


def _trace_json(trace: Trace) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "alarm": trace.target.alarm,
        "zone": trace.target.zone,
        "rule": asdict(trace.rule),
        "model_sha256": trace.model_sha256,
        "backend": trace.backend,
        "precision": trace.precision,
        "looks": [{**asdict(step), "at": None if step.at is None else step.at.isoformat()} for step in trace.steps],
    }
