"""`edge-resnet parity`: prove again, on this box, that every engine answers as the trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_resnet.cli import options
from edge_resnet.command import Exit, answer_json, say

if TYPE_CHECKING:
    from export.parity import Report


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
        print_rows(report)
    if not report.passed:
        raise typer.Exit(Exit.VERDICT_NO)


def print_rows(report: Report) -> None:
    """Print a report for people: a table, and the reasons under it."""
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
