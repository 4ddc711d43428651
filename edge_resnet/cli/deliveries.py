"""`edge-resnet deliveries`: what sinks were told, and were not; have it sent again; try whether it arrives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from edge_resnet.cli import options
from edge_resnet.command import Exit, answer_json
from edge_resnet.errors import UserError

if TYPE_CHECKING:
    from runtime.config.sinks import SinkSettings
    from runtime.events.deliveries import Count, Delivery

app = typer.Typer(help="What sinks were told, and what they could not be told.", no_args_is_help=True)

# A person reads no more; --json gives all.
_MOST_LISTED = 50


@app.command("list")
def list_(
    sink: Annotated[str | None, typer.Option(help="Only of this sink.")] = None,
    state: Annotated[
        str | None, typer.Option(help="Only in this state: pending, delivered, dead or folded; else pending and dead.")
    ] = None,
    events: options.Events = options.EVENTS,
    json: options.Json = False,
) -> None:
    """Show how many notices each sink was told and not told, and those that wait or are dead. A stream may run."""
    from runtime.events.deliveries import Deliveries, State

    states: Sequence[State] = (
        ("pending", "dead") if state is None else [each for each in get_args(State) if each == state]
    )
    if not states:
        raise UserError(f"--state {state}: takes {', '.join(get_args(State))}")
    with Deliveries(events, read_only=True) as deliveries:
        counts = deliveries.counts()
        _require_known(sink, counts, events)
        counts = [count for count in counts if sink in (None, count.sink)]
        found = [delivery for each in states for delivery in deliveries.find(sink, each)]
    if json:
        answer_json({"sinks": [vars(count) for count in counts], "deliveries": [_as_json(each) for each in found]})
    else:
        _print(counts, found)


@app.command()
def resend(
    ids: Annotated[list[int] | None, typer.Argument(metavar="ID...", help="Dead letters, as list shows them.")] = None,
    sink: Annotated[str | None, typer.Option(help="All dead letters of this sink.")] = None,
    all_dead: Annotated[bool, typer.Option("--all-dead", help="All dead letters.")] = False,
    events: options.Events = options.EVENTS,
    json: options.Json = False,
) -> None:
    """Have dead letters delivered after all, with the ids they had. A stream that runs does so within 10 seconds."""
    from runtime.events.deliveries import Deliveries

    if sum((bool(ids), sink is not None, all_dead)) != 1:
        raise UserError("name what is to be sent: IDs, or --sink NAME, or --all-dead")
    # Only a file that is there: a mistyped name must not begin a store.
    Deliveries(events, read_only=True).close()
    with Deliveries(events) as deliveries:
        _require_known(sink, deliveries.counts(), events)
        dead = {delivery.id for delivery in deliveries.find(sink, "dead")}
        if unknown := [str(id) for id in ids or () if id not in dead]:
            raise UserError(
                f"{', '.join(unknown)}: no dead letter; edge-resnet deliveries list --state dead shows them"
            )
        sent = deliveries.resend(ids or None, sink)
    if json:
        answer_json({"resent": sent})
    else:
        typer.echo(f"{sent} dead letter{'s' * (sent != 1)} to be delivered")


@app.command("test")
def try_(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="The configuration, such as cameras.yaml.")],
    sink: Annotated[str | None, typer.Argument(metavar="SINK", help="Only this sink; all, when left out.")] = None,
    json: options.Json = False,
) -> None:
    """Send a test notice to each sink now, and tell how it went, a line each; exit code 1 if one did not arrive."""
    from runtime.config.load import load
    from runtime.delivery.trial import try_sinks

    sinks = _sinks(load(config).sinks, sink, config)
    tried = []
    for each in try_sinks(sinks):
        tried.append(each)
        if not json:
            how = f"arrived after {each.seconds:.1f} s" if each.arrived else f"FAILED: {each.why}"
            typer.echo(f"{each.sink} ({each.kind}): {how}")
    failed = sum(not each.arrived for each in tried)
    if json:
        answer_json({"sinks": [vars(each) for each in tried], "failed": failed})
    if failed:
        raise typer.Exit(Exit.VERDICT_NO)


def _sinks(configured: Mapping[str, SinkSettings], wanted: str | None, config: Path) -> Mapping[str, SinkSettings]:
    if not configured:
        raise UserError(f"{config}: no sinks; docs/notifications.md shows how to write them")
    if wanted is None:
        return configured
    if wanted not in configured:
        raise UserError(f"{config}: no sink {wanted}; there are {', '.join(configured)}")
    return {wanted: configured[wanted]}


def _require_known(sink: str | None, counts: Sequence[Count], events: Path) -> None:
    known = [count.sink for count in counts]
    if sink is not None and sink not in known:
        there = f"there are {', '.join(known)}" if known else "there are none"
        raise UserError(f"--sink {sink}: {events} has no deliveries of this sink; {there}")


def _as_json(delivery: Delivery) -> dict[str, Any]:
    return {**vars(delivery), "notice": vars(delivery.notice)}


def _print(counts: Sequence[Count], found: Sequence[Delivery]) -> None:
    from edge_resnet.cli.tables import print_rows
    from edge_resnet.files import printable
    from runtime.sinks.wording import subject

    if not counts:
        typer.echo("no notice was ever written for a sink")
        return
    figures = [
        {
            "sink": count.sink,
            "pending": str(count.pending),
            "delivered": str(count.delivered),
            "dead": str(count.dead),
            "folded": str(count.folded),
            "oldest pending": count.oldest_at or "-",
        }
        for count in counts
    ]
    print_rows(figures, ())
    if not found:
        return
    rows = [
        {
            "id": str(delivery.id),
            "sink": delivery.sink,
            "state": delivery.state,
            "at": delivery.notice.at,
            "notice": printable(subject(delivery.notice)),
            "tried": str(delivery.attempts),
            "error": printable(delivery.error or ""),
        }
        for delivery in found[:_MOST_LISTED]
    ]
    typer.echo()
    print_rows(rows, ("id",))
    if len(found) > _MOST_LISTED:
        typer.echo(f"{len(found) - _MOST_LISTED} more; --json gives all")
