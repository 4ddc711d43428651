"""`edge-resnet tune`: the fastest way to run a bundle on this box that costs no more accuracy than allowed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_resnet.cli import options
from edge_resnet.command import Exit, answer_json, say
from edge_resnet.environment import require
from edge_resnet.errors import UserError

if TYPE_CHECKING:
    from export.tune.grid import Result, Tuning

MAX_THREADS = 1024
_TABLE_COLUMNS = 110


def tune(
    bundle: Annotated[Path, typer.Argument(help="A bundle's folder.")],
    data: Annotated[Path, typer.Option(help="Labelled pictures that training did not see: class folders.")],
    max_drop: Annotated[float, typer.Option(help="Percentage points of accuracy that may be lost against fp32.")] = 0.5,
    max_latency: Annotated[
        float | None, typer.Option(help="Milliseconds that 99 of 100 frames must stay under; no limit by default.")
    ] = None,
    sizes: Annotated[
        str | None,
        typer.Option(metavar="HxW,...", help="Input sizes; by default the bundle's, and 3/4, 1/2, 1/3 of its area."),
    ] = None,
    precisions: Annotated[
        str | None, typer.Option(metavar="P,...", help="Of fp32, fp16, bf16, int8; by default all that run here.")
    ] = None,
    backends: Annotated[
        str | None, typer.Option(metavar="B,...", help="Engines; by default all that are installed.")
    ] = None,
    threads: Annotated[
        str | None, typer.Option(metavar="N,...", help="0 is the engine's choice; by default 0 and half of the cores.")
    ] = None,
    pictures: Annotated[int | None, typer.Option(min=1, help="At most so many, evenly spread; by default all.")] = None,
    box: Annotated[Path | None, typer.Option(help="Where results go; by default the bundle's box/.")] = None,
    json: options.Json = False,
) -> None:
    """Measure input size x precision x engine x threads on this box; the stream obeys the choice."""
    from edge_resnet.bundle import Bundle
    from edge_resnet.data.listing import scan_labelled
    from edge_resnet.progress import Narrator
    from export.tune import pareto
    from export.tune.grid import Budget, Grid, default_sizes, default_threads, keep, some_of, tidy
    from export.tune.grid import tune as measure
    from runtime.tuned import FILE as CHOICE

    opened = Bundle.open(bundle)
    own = (opened.model.input.height, opened.model.input.width)
    wanted = (
        default_sizes(*own)
        if sizes is None
        else tuple(options.size(text, "--sizes") for text in _listed("--sizes", sizes))
    )
    if set(wanted) - {own}:
        require("onnx", extra="train")
    if not 0.0 <= max_drop <= 100.0:
        raise UserError(f"--max-drop {max_drop:g}: percentage points, 0 to 100")
    if max_latency is not None and not max_latency > 0.0:
        raise UserError(f"--max-latency {max_latency:g}: milliseconds, over 0")
    grid = Grid(
        sizes=tuple(dict.fromkeys(wanted)),
        threads=default_threads() if threads is None else tuple(map(_thread_count, _listed("--threads", threads))),
        precisions=None if precisions is None else _listed("--precisions", precisions),
        backends=None if backends is None else _listed("--backends", backends),
    )
    listing = some_of(scan_labelled(data, opened.model.labels), pictures)
    box = opened.box if box is None else box
    narrator = Narrator()
    tuning = measure(opened, listing, grid, Budget(max_drop / 100, max_latency), box, narrator)
    keep(opened, tuning, box, narrator)
    tidy(box)
    picture = pareto.draw(box / pareto.FILE, tuning)
    if json:
        answer_json({"bundle": str(bundle), "box": str(box), **tuning.to_json()})
    else:
        _print(tuning)
    say("no picture: matplotlib is not installed here" if picture is None else f"picture: {picture}")
    if tuning.chosen is None:
        say(f"no point is within the budget, nothing changed; nearest: {_told(tuning, tuning.nearest)}")
        raise typer.Exit(Exit.VERDICT_NO)
    faster = "" if tuning.speed_up is None else f", {tuning.speed_up:.2f} times as fast as fp32 at {own[0]}x{own[1]}"
    say(f"chosen: {_told(tuning, tuning.chosen)}{faster}; the stream obeys {box / CHOICE}")


def _listed(option: str, text: str) -> tuple[str, ...]:
    listed = options.names(text)
    if not listed:
        raise UserError(f"{option}: takes a list, comma separated")
    return tuple(dict.fromkeys(listed))


def _thread_count(text: str) -> int:
    if not (text.isdecimal() and int(text) <= MAX_THREADS):
        raise UserError(f"--threads {text}: takes numbers from 0 (the engine's choice) to {MAX_THREADS}")
    return int(text)


def _told(tuning: Tuning, result: Result) -> str:
    """A point for people: its time against the budget, its drop, and whether that is proven."""
    limit, accuracy = tuning.budget.max_latency_ms, result.accuracy
    latency = f"p99 {result.times.p99_ms:.1f} ms" + ("" if limit is None else f" (at most {limit:g})")
    proof = f"{accuracy.non_inferiority} at {100 * accuracy.margin:g} pp"
    if accuracy.pictures_to_decide is not None:
        proof += f": {tuning.n} of about {accuracy.pictures_to_decide} pictures"
    drop = f"drop {100 * accuracy.drop:+.2f} pp ({100 * accuracy.lower:+.2f} to {100 * accuracy.upper:+.2f}; {proof})"
    return f"{result.point.describe()}, p50 {result.times.p50_ms:.1f} ms, {latency}, {drop}"


def _print(tuning: Tuning) -> None:
    """The table of all points, the fastest first, and under it what was left out."""
    from rich.console import Console
    from rich.table import Table

    reference = f"fp32 at {tuning.reference.height}x{tuning.reference.width} on {tuning.reference.backend}"
    table = Table(
        *("", "size", "network", "threads", "p50 ms", "p99 ms", "frames/s", "accuracy % (95%)", "drop pp"),
        title=f"{tuning.n} pictures, drops against {reference}",
    )
    for column in table.columns:
        column.no_wrap = True
    for result in tuning.results:
        network, times, accuracy = result.point.network, result.times, result.accuracy
        low, high = (100 * bound for bound in result.interval)
        table.add_row(
            ">" if result is tuning.chosen else "",
            f"{network.height}x{network.width}",
            f"{network.precision} {network.backend}",
            str(result.point.threads or "auto"),
            f"{times.p50_ms:.1f}",
            f"{times.p99_ms:.1f}",
            f"{times.frames_per_s:.0f}",
            f"{100 * accuracy.candidate:.1f} ({low:.1f}-{high:.1f})",
            f"{100 * accuracy.drop:+.2f} {accuracy.non_inferiority}",
        )
    # A row is a line, also in a log.
    console = Console()
    Console(width=max(console.width, _TABLE_COLUMNS)).print(table)
    reasons: dict[str, list[str]] = {}
    for item in tuning.left_out:
        reasons.setdefault(item.reason, []).append(item.what)
    for reason, (first, *more) in reasons.items():
        say(f"left out: {first}{f' and {len(more)} more' if more else ''}: {reason}")
