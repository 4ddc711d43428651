"""`edge-resnet export` and `edge-resnet parity`: a run becomes a bundle, with the proof that the answers stayed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edge_resnet.cli import options
from edge_resnet.command import Exit, answer_json, say
from edge_resnet.environment import require
from edge_resnet.errors import UserError

if TYPE_CHECKING:
    from edge_resnet.manifest import AlarmSpec
    from export.parity import Report

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
        _print_rows(result.report)
        verdict = "ready" if passed else "NOT ready, the proof failed; the bundle before it (if any) stays"
        say(f"bundle {result.folder}: {verdict}; see {result.folder / 'parity.html'}")
    if not passed:
        raise typer.Exit(Exit.VERDICT_NO)


def parity(
    bundle: Annotated[Path, typer.Argument(help="A bundle's folder.")],
    data: Annotated[
        Path | None, typer.Option(help="Labelled pictures; by default the run's held-out ones, else the golden frames.")
    ] = None,
    run: Annotated[Path | None, typer.Option(help="The trained run; by default the bundle's parent folder.")] = None,
    json: options.Json = False,
) -> None:
    """Prove again, on this box: the same pictures through every engine, with a verdict on each."""
    from edge_resnet.bundle import Bundle
    from edge_resnet.progress import Narrator
    from export.held_out import held_out
    from export.parity import find_reference
    from export.parity import parity as prove

    narrator = Narrator()
    opened = Bundle.open(bundle)
    opened.check()
    with find_reference(opened, run) as reference:
        pictures = None
        if data is not None or reference.run is not None:
            pictures = held_out(reference.run, data, opened.model, narrator)
        frames = None if pictures is None else pictures.frames
        labels = None if pictures is None else pictures.truth.tolist()
        with narrator.stages() as step:
            report = prove(opened, reference, frames, labels, progress=step)
    if json:
        answer_json(report.to_json())
    else:
        _print_rows(report)
    if not report.passed:
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


def _print_rows(report: Report) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(
        "backend", "precision", "verdict", "max |d logit|", "agreement", "accuracy drop", title=_title(report)
    )
    for row in report.rows:
        cells = ["-"] * 3
        if row.result is not None and row.result.figures is not None:
            cells[:2] = [f"{row.result.figures.max_difference:.1e}", f"{row.result.figures.agreement:.2%}"]
        if row.result is not None and row.result.accuracy is not None:
            drop = row.result.accuracy
            cells[2] = f"{drop.drop:+.2%} ({drop.non_inferiority})"
        table.add_row(row.backend, row.precision, row.verdict, *cells)
    Console().print(table)
    for row in report.rows:
        if row.reason:
            say(f"{row.backend} {row.precision}: {row.reason}")


def _title(report: Report) -> str:
    return f"parity: {'pass' if report.passed else 'FAIL'}, {report.n} pictures against {report.reference}"
