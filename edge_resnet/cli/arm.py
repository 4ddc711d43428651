"""`edge-resnet arm`: put a mode in force (home, away), or see which one is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_resnet.cli import options
from edge_resnet.cli.when import length
from edge_resnet.command import answer_json
from edge_resnet.errors import UserError

if TYPE_CHECKING:
    from datetime import datetime

    from runtime.config.settings import WatchSettings
    from runtime.events.store import EventStore

_AUTO = "auto"


def arm(
    mode: Annotated[
        str | None, typer.Argument(help="One of the configuration's modes; auto follows the clock again.")
    ] = None,
    config: Annotated[Path, typer.Option(metavar="CAMERAS.yaml", help="What the stream watches.")] = Path(
        "cameras.yaml"
    ),
    events: options.Events = options.EVENTS,
    lasting: Annotated[
        str | None, typer.Option("--for", metavar="2h", help="How long it holds; by default until it is taken back.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Put a mode in force, whatever the time is; without MODE tell which one is in force at each site.

    A stream that runs obeys within a second, and one that begins later too.
    """
    from datetime import datetime, timezone

    from runtime.config.fill import Unset
    from runtime.config.load import load
    from runtime.events.lock import is_written
    from runtime.events.store import EventStore

    # Nothing is opened, so the passwords may be elsewhere.
    settings = load(config, environment=Unset())
    if mode is None and lasting is not None:
        raise UserError("--for: how long which mode? Name it: edge-resnet arm away --for 2h")
    _check(mode, settings, config)
    now = datetime.now(timezone.utc)
    until = None if lasting is None else now + length("--for", lasting, "a length of time, such as 30min or 2h")
    options.require_store(events)
    with EventStore(events, read_only=mode is None) as store:
        if mode is not None:
            _command(store, mode, until, now)
        in_force = _in_force(store, settings, now)
    obeyed = is_written(events)
    if json:
        answer_json({**in_force, "stream_runs": obeyed})
        return
    for site, name in in_force["sites"].items():
        typer.echo(f"{site or 'all cameras'}: {name}")
    if in_force["commanded"] is not None:
        until_words = f" until {in_force['until']}" if in_force["until"] else ""
        typer.echo(f"commanded{until_words}; edge-resnet arm auto ends it")
    if not obeyed:
        typer.echo(f"no stream writes to {events} now; the next one that does obeys")


def _check(mode: str | None, settings: WatchSettings, config: Path) -> None:
    if not settings.modes:
        raise UserError(f"{config}: no modes there; docs/cameras.md shows how to write home and away")
    if mode not in (None, _AUTO, *settings.modes):
        raise UserError(f"{mode}: no such mode in {config}; there are {', '.join(settings.modes)}, and {_AUTO}")


def _command(store: EventStore, mode: str, until: datetime | None, now: datetime) -> None:
    from runtime.events.mode import Command, command, release

    if mode == _AUTO:
        release(store.database)
    else:
        command(store.database, Command(mode, until), now)


def _in_force(store: EventStore, settings: WatchSettings, now: datetime) -> dict[str, Any]:
    from runtime.config.armed import mode_in_force
    from runtime.events.mode import commanded

    given = commanded(store.database, now)
    name = None if given is None else given.mode
    until = None if given is None or given.until is None else given.until.astimezone().isoformat(timespec="seconds")
    sites = {site: mode_in_force(settings, each, now, name) for site, each in settings.sites.items()}
    return {"commanded": name, "until": until, "sites": sites}
