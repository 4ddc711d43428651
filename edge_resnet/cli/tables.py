"""Tables that several commands print for people."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Column, Table

from edge_resnet.statistics import wilson

if TYPE_CHECKING:
    from runtime.backtest.tally import Tally

_WIDE = 118
# Into a pipe or a file: no row is so long.
_WHOLE = 10_000


def plain(*columns: Column | str, title: str | None = None) -> Table:
    """An empty table without lines between its columns: at a width of 80, the last one needs all that is left."""
    return Table(*columns, title=title, title_justify="left", box=None, padding=(0, 2, 0, 0), header_style="dim")


def print_rows(rows: Sequence[Mapping[str, str]], whole: Collection[str], spare: str | None = None) -> None:
    """Print a table of texts by column; into a pipe or a file as wide as it is, for nothing is to be lost there.

    In a terminal texts are folded, but those of `whole` columns; `spare` is the column that goes first.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WHOLE)
    names = list(rows[0])
    table = _filled(rows, names, whole)
    if Measurement.get(console, console.options.update(max_width=_WHOLE), table).maximum > console.width:
        table = _filled(rows, [name for name in names if name != spare], whole)
    console.print(table)


def _filled(rows: Sequence[Mapping[str, str]], names: Sequence[str], whole: Collection[str]) -> Table:
    widths = {name: max(len(row[name]) for row in rows) for name in whole}
    columns = (Column(name, overflow="fold", no_wrap=name in whole, min_width=widths.get(name)) for name in names)
    table = plain(*columns)
    for row in rows:
        table.add_row(*(escape(row[name]) for name in names))
    return table


def print_clips(clips: list[dict[str, Any]], title: str) -> None:
    """Print what was raised on each clip against its truth (Judged.to_json)."""
    table = Table("clip", "truth", "events", "verdict", title=title)
    for clip in clips:
        wrong = [f"{clip[key]} {key}" for key in ("missed", "false") if clip[key]]
        truth = [f"{label} {start:g} to {end:g} s" for label, start, end in clip["truth"]]
        events = [f"{alarm} at {raised:.1f} s" for alarm, raised, _ in clip["events"]]
        table.add_row(clip["clip"], ", ".join(truth) or "normal", ", ".join(events) or "-", ", ".join(wrong) or "right")
    Console().print(table)


def print_tallies(clips: Mapping[str, Tally], total: Tally, alarm: str) -> None:
    """Print the counts of an alarm on each clip and on all of them, with recall and precision under them."""
    columns = ("expected", "raised", "missed", "false", "delay s", "false a day (95%)")
    table = Table(title=f"alarm {alarm}")
    table.add_column("clip", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for name, tally in clips.items():
        table.add_row(escape(name), *_counts(tally))
    table.add_section()
    table.add_row("all", *_counts(total))
    console = Console()
    # A row is a line, also in a log.
    Console(width=max(console.width, _WIDE)).print(table)
    console.print(escape(_shares(total)), soft_wrap=True)


def _counts(tally: Tally) -> list[str]:
    interval = tally.false_per_day_95
    rate = "-"
    if tally.false_per_day is not None and interval is not None:
        rate = f"{_figure(tally.false_per_day)} ({_figure(interval[0])}-{_figure(interval[1])})"
    delay = "-" if tally.delay_s is None else f"{tally.delay_s:.1f}"
    return [*map(str, (tally.expected, tally.raised, tally.missed, tally.false)), delay, rate]


def _shares(tally: Tally) -> str:
    """Recall and precision with their intervals, and the delays."""
    words = []
    right = tally.raised - tally.false
    for name, part, whole in (("recall", tally.found, tally.expected), ("precision", right, tally.raised)):
        low, high = wilson(part, whole)
        of = f"{part}/{whole}"
        words.append(f"{name} {part / whole:.0%} ({of}, {low:.0%} to {high:.0%})" if whole else f"{name} - ({of})")
    if tally.delays_s:
        words.append(f"delay {tally.delay_s:.1f} s in the median, {max(tally.delays_s):.1f} s at most")
    words.append(f"{tally.normal_s:.0f} s of normal video")
    return ", ".join(words)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
