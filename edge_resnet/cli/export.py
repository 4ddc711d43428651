"""`edge-resnet export`: a run becomes a bundle, with the proof that the answers stayed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edge_resnet.cli import options
from edge_resnet.cli.parity import print_rows
from edge_resnet.command import Exit, answer_json, say
from edge_resnet.environment import require
from edge_resnet.errors import UserError

if TYPE_CHECKING:
    from edge_resnet.manifest import AlarmSpec

GoldenSource = Literal["data", "samples"]


def export(
    run: Annotated[Path | None, typer.Argument(help="A run's folder; by default the newest under runs/.")] = None,
    fp16: Annotated[bool, typer.Option("--fp16", help="Write an FP16 model too.")] = False,
    alarm: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=CLASS,CLASS", help="An alarm of several classes (repeatable); by default one a class."
        ),
    ] = None,
    golden: Annotated[
        GoldenSource, typer.Option(help="What the box replays: held-out pictures, or drawn ones (samples).")
    ] = "data",
    data: Annotated[
        Path | None, typer.Option(help="Held-out pictures for the proof; by default the run's own.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The bundle's folder; by default RUN/bundle.")] = None,
    json: options.Json = False,
) -> None:
    """Write a run's bundle (ONNX, golden frames, manifest) and prove on every engine here that its answers stayed."""
    require("torch", "torchvision", "onnx", "onnxscript", extra="train")
    from edge_resnet import model, runs
    from edge_resnet.progress import Narrator
    from export.held_out import golden_frames, held_out
    from export.package import export_run

    if run is None:
        run = runs.newest_trained()
        say(f"run: {run} (the newest)")
    spec = model.specification(run / runs.MODEL)
    narrator = Narrator()
    alarms = _alarms(alarm or [])
    pictures = held_out(run, data, spec, narrator)
    with narrator.stages() as step:
        result = export_run(
            run,
            out or run / runs.BUNDLE,
            precisions=("fp32", "fp16") if fp16 else ("fp32",),
            golden_frames=golden_frames(pictures) if golden == "data" else None,
            frames=pictures.frames,
            labels=pictures.truth.tolist(),
            alarms=alarms,
            provenance={"data": str(data or run), "golden": golden},
            progress=step,
        )
    passed = result.report.passed
    if json:
        answer_json({"bundle": str(result.folder), "ready": passed, "parity": result.report.to_json()})
    else:
        print_rows(result.report)
        verdict = "ready" if passed else "NOT ready, the proof failed; the bundle before it (if any) stays"
        say(f"bundle {result.folder}: {verdict}; see {result.folder / 'parity.html'}")
    if not passed:
        raise typer.Exit(Exit.VERDICT_NO)


def _alarms(texts: list[str]) -> dict[str, AlarmSpec] | None:
    """The alarms of NAME=CLASS,CLASS options; None when there are none. Raises UserError."""
    from edge_resnet.manifest import AlarmSpec

    alarms = {}
    for text in texts:
        name, equals, classes = text.partition("=")
        listed = options.names(classes)
        if not (name.strip() and equals and listed):
            raise UserError(f"--alarm {text}: takes NAME=CLASS,CLASS, such as fire=fire,smoke")
        alarms[name.strip()] = AlarmSpec(classes=listed)
    return alarms or None
