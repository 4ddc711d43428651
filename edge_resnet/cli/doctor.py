"""`edge-resnet doctor`: is this box fit to watch, and what to do where it is not."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_resnet import environment, hardware
from edge_resnet.cli import options
from edge_resnet.command import Exit, answer_json
from edge_resnet.errors import UserError

if TYPE_CHECKING:
    from runtime.checkup.item import Item

_MARKS = {"ok": "[green]ok[/]", "absent": "[dim]-[/]", "warning": "[yellow]warning[/]", "problem": "[red]problem[/]"}


def doctor(
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also open each camera of this cameras.yaml once.")
    ] = None,
    events: Annotated[Path, typer.Option(help="Where the stream will write its events.")] = Path("events.sqlite"),
    json: options.Json = False,
) -> None:
    """Look at engines, codecs, cameras, clock, disk and limits; exit code 1 if something will not work."""
    from runtime.backends import installed
    from runtime.checkup.run import check_up
    from runtime.config.load import read

    reading = None if config is None else read(config)
    if reading is not None and reading.unreadable:
        raise UserError(reading.lines()[0])
    items = list(check_up(reading, events))
    problems = sum(item.verdict == "problem" for item in items)
    if json:
        answer_json(
            {
                "processor": hardware.cpu_name(),
                "bf16": hardware.cpu_has_bf16(),
                "backends": installed(),
                "versions": environment.versions(),
                "items": [asdict(item) for item in items],
                "problems": problems,
                "warnings": sum(item.verdict == "warning" for item in items),
            }
        )
    else:
        _print(items)
    if problems:
        raise typer.Exit(Exit.VERDICT_NO)


def _print(items: list[Item]) -> None:
    """A table for people, and the versions that somebody who helps will ask for."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from edge_resnet.files import printable

    console = Console()
    bf16 = ", computes bfloat16" if hardware.cpu_has_bf16() else ""
    console.print(f"processor: {escape(hardware.cpu_name())}{bf16}", soft_wrap=True)
    table = Table.grid(padding=(0, 2))
    for part, members in groupby(items, key=lambda item: item.part):
        table.add_row(f"\n[bold]{part}[/]")
        for item in members:
            name, found, advice = (escape(printable(text)) for text in (item.name, item.found, item.advice))
            table.add_row(f"  {_MARKS[item.verdict]}", name, found)
            if advice:
                table.add_row("", "", f"[bold]{advice}[/]")
    console.print(table)
    versions = ", ".join(f"{name} {version}" for name, version in environment.versions().items())
    console.print(f"\n[bold]versions[/]\n  {escape(versions)}\n")
    counts = (f"{kind}s: {told}" for kind in ("problem", "warning") if (told := _names(items, kind)))
    console.print(escape(printable("; ".join(counts))) or "all is well", soft_wrap=True)


def _names(items: list[Item], verdict: str) -> str:
    """Each name once, and how often it is meant."""
    counts = Counter(item.name for item in items if item.verdict == verdict)
    return ", ".join(name if count == 1 else f"{name} ({count})" for name, count in counts.items())
