"""`edge-resnet attend`: have a camera looked at closely for a while, or see which ones are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_resnet.cli import options
from edge_resnet.cli.when import length
from edge_resnet.command import answer_json, say
from edge_resnet.errors import UserError

if TYPE_CHECKING:
    from datetime import datetime

    from runtime.config.settings import CameraSettings
    from runtime.events.store import EventStore

_USUALLY = "10 min"


def attend(
    camera: Annotated[str | None, typer.Argument(help="By its full name, such as yard/gate.")] = None,
    lasting: Annotated[
        str | None, typer.Option("--for", metavar="LENGTH", help=f"For how long from now on; by default {_USUALLY}.")
    ] = None,
    stop: Annotated[bool, typer.Option("--stop", help="It need not be looked at closely any longer.")] = False,
    config: Annotated[Path, typer.Option(metavar="CAMERAS.yaml", help="What the stream watches.")] = Path(
        "cameras.yaml"
    ),
    events: options.Events = options.EVENTS,
    json: options.Json = False,
) -> None:
    """Have a camera looked at closely, asleep or not; without CAMERA tell which ones are, and until when.

    It concerns cameras on the attention ladder or with a gate; the others are always looked at closely, and refused. A
    stream that runs obeys within a second, and one that begins later too.
    """
    from datetime import datetime, timezone

    from runtime.events.store import EventStore

    now = datetime.now(timezone.utc)
    _check(camera, lasting, stop)
    until = now + length("--for", lasting or _USUALLY, 'a length of time, such as "10 min" or 2h')
    if camera is not None:
        _require(config, camera, stop)
    options.require_store(events)
    with EventStore(events, read_only=camera is None) as store:
        if camera is not None:
            before = {each["camera"] for each in _attended(store, now)}
            _command(store, camera, now, None if stop else until)
            if stop:
                say(f"{camera}: {'no longer attended' if camera in before else 'was not attended'}")
        attended = [each for each in _attended(store, now) if camera in (None, each["camera"])]
    if camera is None and not attended and not json:
        typer.echo("no camera is attended")
    _answer(attended, events, json)


def _check(camera: str | None, lasting: str | None, stop: bool) -> None:
    if camera is None and (lasting is not None or stop):
        option = "--stop" if stop else "--for"
        raise UserError(f"{option}: of which camera? Name it: edge-resnet attend yard/gate {option}")
    if lasting is not None and stop:
        raise UserError("--for and --stop: choose one of them")


def _require(config: Path, camera: str, stop: bool) -> None:
    """Raises UserError where a camera is not in the configuration, or cannot be attended; stopped it can be, still."""
    from runtime.config.fill import Unset
    from runtime.config.finding import meant, some
    from runtime.config.load import load
    from runtime.sources.address import Address

    # Nothing is opened, so the passwords may be elsewhere.
    cameras = load(config, environment=Unset()).cameras()
    quiet = [name for name, each in cameras.items() if Address.parse(each.detect).live and _leaves_out(each)]
    others = f"those that can be attended: {some(quiet)}"
    if camera not in cameras:
        word = meant(camera, cameras)
        raise UserError(f"{config}: no camera {camera}; {f'did you mean {word}?' if word else others}")
    if not Address.parse(cameras[camera].detect).live:
        raise UserError(f"{camera}: a file or folder, which has no time of day; {others}")
    if camera not in quiet and not stop:
        raise UserError(f"{camera}: watched all the time as it is (attention: full, no gate in {config}); {others}")


def _leaves_out(camera: CameraSettings) -> bool:
    """Whether anything of a camera is left out at times."""
    return camera.attention != "full" or camera.gate.enabled


def _command(store: EventStore, camera: str, now: datetime, until: datetime | None) -> None:
    from runtime.events.attendance import Attendance, attend, release

    if until is None:
        release(store.database, camera)
    else:
        attend(store.database, Attendance(camera, now, until))


def _answer(attended: list[dict[str, Any]], events: Path, json: bool) -> None:
    from runtime.events.lock import is_written

    obeyed = is_written(events)
    if json:
        answer_json({"attended": attended, "stream_runs": obeyed})
        return
    for each in attended:
        typer.echo(f"{each['camera']}: until {each['until']}")
    if not obeyed:
        typer.echo(f"no stream writes to {events} now; the next one that does obeys")


def _attended(store: EventStore, now: datetime) -> list[dict[str, Any]]:
    """The cameras that are attended now, and until when, in local time."""
    from datetime import timedelta

    from runtime.events.attendance import attendances

    left_s = {each.camera: each.remaining_s(now) for each in attendances(store.database)}
    return [
        {"camera": camera, "until": (now + timedelta(seconds=s)).astimezone().isoformat(timespec="seconds")}
        for camera, s in left_s.items()
        if s > 0
    ]
