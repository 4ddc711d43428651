"""The picture of benchmarks.inference: images a second of each engine by the size of the batch, and the limits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from edge_resnet import files

# Okabe and Ito 2008: told apart without red and green.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def draw(answer: dict[str, Any], path: Path) -> None:
    """Write it as `path`; a plot for each precision that was measured, at the engines' own choice of threads."""
    rows = [row for row in answer["rows"] if row["threads"] == 0]
    kinds = sorted({row["precision"] for row in rows})
    figure = Figure(figsize=(4.2 * len(kinds), 3.6), layout="constrained")
    plots = figure.subplots(1, len(kinds), squeeze=False)[0]
    # An engine has the same colour in every plot.
    colours = dict(zip(dict.fromkeys(row["name"] for row in rows), _COLOURS, strict=False))
    for plot, kind in zip(plots, kinds, strict=True):
        limit = answer["gmac_per_s"][0].get(kind)
        of_kind = [row for row in rows if row["precision"] == kind]
        _plot(plot, kind, of_kind, colours, limit and limit / answer["gmac_a_frame"])
    figure.suptitle(f"{answer['processor']}, {answer['input']}: images a second", fontsize=10)
    with files.whole_file(path) as temporary:
        figure.savefig(temporary, dpi=120, format=path.suffix.removeprefix(".") or "png")


def _plot(plot: Axes, kind: str, rows: list[dict[str, Any]], colours: Mapping[str, str], limit: float | None) -> None:
    for name, colour in colours.items():
        own = [row for row in rows if row["name"] == name and not row["side_by_side"]]
        if own:
            plot.plot(
                [row["batch"] for row in own], [row["images_per_s"] for row in own], "o-", color=colour, label=name
            )
        for row in (row for row in rows if row["name"] == name and row["side_by_side"]):
            plot.axhline(row["images_per_s"], color=colour, linestyle=":", label=f"{name}, many requests")
    if limit:
        plot.axhline(limit, color="#555555", linestyle="--", label="matrix product")
    plot.set(title=kind, xlabel="frames in a batch", ylim=(0, None))
    plot.grid(alpha=0.3)
    plot.legend(fontsize=7)
