"""`edge-resnet parity`: prove again, on this box, that every engine answers as the trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_resnet.cli import options
from edge_resnet.command import Exit, answer_json, say
from edge_resnet.errors import UserError

_HEADS = ("backend", "precision", "verdict", "pictures", "|d logit|", "same", "drop", "speed")

if TYPE_CHECKING:
    from export.parity.report import Report
    from export.parity.row import Row


def parity(
    bundle: Annotated[Path, typer.Argument(help="A bundle's folder.")],
    data: Annotated[
        Path | None, typer.Option(help="Labelled pictures; by default the run's held-out ones, else the golden frames.")
    ] = None,
    run: Annotated[Path | None, typer.Option(help="The trained run; by default the bundle's parent folder.")] = None,
    speed: Annotated[bool, typer.Option("--speed/--no-speed", help="Time the engines that pass, in turns.")] = True,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the report as a page (HTML) to this file.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Prove again, on this box: the same pictures through every engine, with a verdict on each."""
    from edge_resnet.bundle import Bundle
    from edge_resnet.files import write_text
    from edge_resnet.progress import Narrator
    from export.held_out import held_out
    from export.parity.page import render
    from export.parity.trials import find_reference
    from export.parity.trials import parity as prove

    if out is not None and out.is_dir():
        raise UserError(f"--out {out}: a folder; name the page's file, such as {out / 'parity.html'}")
    narrator = Narrator()
    opened = Bundle.open(bundle)
    opened.check()
    with find_reference(opened, run) as reference:
        pictures = None
        if data is not None or reference.run is not None:
            pictures = held_out(reference.run, data, opened.model, narrator)
        with narrator.stages() as step:
            report = prove(
                opened,
                reference,
                None if pictures is None else pictures.frames,
                None if pictures is None else pictures.truth.tolist(),
                paths=() if pictures is None else [sample.path for sample in pictures.samples],
                speed=speed,
                progress=step,
            )
    if out is not None:
        write_text(out, render(report))
        say(f"page: {out}")
    if json:
        answer_json(report.to_json())
    else:
        print_rows(report)
    if not report.passed:
        raise typer.Exit(Exit.VERDICT_NO)


def print_rows(report: Report) -> None:
    """Print a report for people: a table, a sentence for each row, and what to do."""
    from rich.console import Console
    from rich.table import Table

    from export.parity.advice import advise

    table = Table(*_HEADS, title=_title(report), box=None, pad_edge=False)
    for row in report.rows:
        table.add_row(row.backend, row.precision, row.verdict, *_cells(row))
    Console().print(table)
    for row, advice in zip(report.rows, advise(report.rows), strict=True):
        typer.echo(advice.sentence)
        for told in (str(row.proof or ""), row.reason):
            if told and told not in advice.sentence:
                typer.echo(f"    {told}")
    for drift in report.drift:
        changed = f"{drift.changed:.1%} other answers, probabilities off by up to {drift.largest:.3f}"
        typer.echo(f"resized by {drift.way}: {changed}")
    typer.echo(report.recommendation)


def _cells(row: Row) -> list[str]:
    cells = ["-"] * 5
    if row.result is not None and row.result.figures is not None:
        figures = row.result.figures
        cells[:3] = [str(figures.n), f"{figures.max_difference:.1e}", f"{figures.agreement:.2%}"]
    if row.result is not None and row.result.accuracy is not None:
        cells[3] = f"{row.result.accuracy.drop:+.2%}"
    if row.speed is not None:
        cells[4] = f"{row.speed.ratio:.2f}x"
    return cells


def _title(report: Report) -> str:
    return f"parity: {'pass' if report.passed else 'FAIL'}, {report.n} pictures against {report.reference}"
