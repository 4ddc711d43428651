"""The door of the runtime: `python runtime/stream.py --camera 0`, which is also `edge-resnet stream`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

if __name__ == "__main__":
    # Run as a script, this folder is first on sys.path, where events/ or a later schedule.py would shadow a library.
    _here = Path(__file__).resolve().parent
    sys.path[:] = [str(_here.parent), *(entry for entry in sys.path if Path(entry or ".").resolve() != _here)]

# Light imports only: `edge-resnet --help` imports this file.
import typer

from edge_resnet import command
from edge_resnet.errors import UserError

if TYPE_CHECKING:
    from runtime.session import StreamOptions


def stream(
    camera: Annotated[
        list[str] | None,
        typer.Option(
            help="A device's number (0), a file, a folder of pictures, or a URL (rtsp://, http://); may repeat."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="CAMERAS.yaml", help="Sites, cameras, alarms, schedules; instead of --camera."),
    ] = None,
    bundle: Annotated[Path | None, typer.Option(help="The bundle's folder; by default the newest under runs/.")] = None,
    backend: Annotated[
        str, typer.Option(help="auto, or onnxruntime, openvino, opencv, tensorrt, tensorrt_rtx, torch.")
    ] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32, fp16, bf16 or int8.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    box: Annotated[
        Path | None, typer.Option(help="What this box made (tune's choice, engines); by default the bundle's box/.")
    ] = None,
    rate: Annotated[float, typer.Option(help="Looks a second at each --camera, by the frames' own times.")] = 5.0,
    events: Annotated[Path, typer.Option(help="The SQLite file that events are written to.")] = Path("events.sqlite"),
    display: Annotated[bool, typer.Option("--display", help="Show a window; q or Esc ends.")] = False,
    save: Annotated[Path | None, typer.Option(metavar="OUT.mp4", help="Write an annotated clip.")] = None,
    jsonl: Annotated[
        str | None, typer.Option(metavar="FILE", help="Add a JSON object a look and an event; - for standard output.")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Answer /metrics, /healthz and /readyz, say 127.0.0.1:9108.")
    ] = None,
    max_seconds: Annotated[
        float | None, typer.Option(help="End after so many seconds: of each file, or of watching live cameras.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="At the end print one JSON object on standard output.")] = False,
) -> None:
    """Watch cameras, streams and video files, and write an event when an alarm is raised or a camera is blind."""
    if json and jsonl == "-":
        raise UserError("--json and --jsonl - both want standard output; give --jsonl a file")
    from runtime.session import StreamOptions

    options = StreamOptions(
        cameras=tuple(camera or ()),
        config=config,
        bundle=bundle,
        backend=backend,
        precision=precision,
        device=device,
        box=box,
        rate_per_s=rate,
        events=events,
        display=display,
        save=save,
        jsonl=jsonl,
        metrics=metrics,
        max_seconds=max_seconds,
    )
    _run(options, json)


def _run(options: StreamOptions, json: bool) -> None:
    """Watch, and tell what was seen. Raises UserError, and Exit with 130 after Ctrl-C."""
    from runtime.service.logs import Log
    from runtime.session import Stopped, watch

    log, interrupted = Log(), False
    try:
        summary = watch(options, log)
    except Stopped as stopped:
        # The other signal is SIGTERM: a service was asked to end, and did.
        summary, interrupted = stopped.summary, stopped.signal is signal.SIGINT
    log.info(
        f"{summary.seconds:.1f} s, {summary.frames} frames, {summary.looks} looks, {summary.dropped} dropped, "
        f"{len(summary.events)} events in {options.events}"
    )
    if json:
        command.answer_json(summary.as_json())
    if interrupted:
        raise typer.Exit(command.Exit.INTERRUPTED)


def main() -> int:
    """Run the stream as a program of its own; the exit code."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(stream)
    return command.run(app)


if __name__ == "__main__":
    command.leave(main())
