"""The picture of a tuning: milliseconds a frame against accuracy, the frontier, and where the budget ends."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_resnet import files
from export.tune.grid import Result, Tuning

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FILE = "tune.png"

# Of Okabe and Ito, told apart by colour-blind people too.
_COLOURS = {"fp32": "#0072B2", "fp16": "#56B4E9", "bf16": "#009E73", "int8": "#D55E00"}
_MARKERS = "osD^vP"


def draw(path: Path, tuning: Tuning) -> Path | None:
    """Write the picture (PNG) to `path`; None, and nothing is written, where matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        return None
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.5), layout="constrained", dpi=120)
    axes = figure.add_subplot()
    _draw_points(axes, tuning.results)
    _draw_frontier(axes, frontier(tuning.results))
    _draw_budget(axes, tuning)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.tick_params(axis="x", which="both", labelsize=8)
    axes.grid(alpha=0.3)
    axes.set(
        xlabel="milliseconds a frame (dot: median; line: to the 99th percentile)",
        ylabel="accuracy, %",
        title=f"What accuracy costs on this box, {tuning.n} pictures",
    )
    figure.legend(fontsize=8, loc="outside lower center", ncols=3, frameon=False)
    with files.whole_file(path) as temporary:
        figure.savefig(temporary)
    return path


def frontier(results: Sequence[Result]) -> list[Result]:
    """The points that no other one beats in both median time and accuracy, the fastest first."""
    best: list[Result] = []
    for result in sorted(results, key=lambda each: (each.times.p50_ms, -each.accuracy.candidate)):
        if not best or result.accuracy.candidate > best[-1].accuracy.candidate:
            best.append(result)
    return best


def _draw_points(axes: Axes, results: Sequence[Result]) -> None:
    backends = sorted({result.point.network.backend for result in results})
    seen: set[str] = set()
    for result in results:
        network, times = result.point.network, result.times
        name = f"{network.precision} on {network.backend}"
        style: dict[str, Any] = {"color": _COLOURS.get(network.precision, "black")}
        accuracy = 100 * result.accuracy.candidate
        axes.plot([times.p50_ms, times.p99_ms], [accuracy, accuracy], lw=1, alpha=0.35, **style)
        marker = _MARKERS[backends.index(network.backend) % len(_MARKERS)]
        label = None if name in seen else name
        axes.plot(times.p50_ms, accuracy, marker, ms=6, alpha=0.85, label=label, **style)
        seen.add(name)


def _draw_frontier(axes: Axes, best: Sequence[Result]) -> None:
    times = [result.times.p50_ms for result in best]
    axes.step(times, [100 * result.accuracy.candidate for result in best], where="post", color="0.5", lw=1, zorder=1)
    for result in best:
        network = result.point.network
        place = (result.times.p50_ms, 100 * result.accuracy.candidate)
        size = f"{network.height}x{network.width}"
        axes.annotate(size, place, xytext=(4, 5), textcoords="offset points", fontsize=8)


def _draw_budget(axes: Axes, tuning: Tuning) -> None:
    budget, chosen = tuning.budget, tuning.chosen
    # All drops are against the same reference.
    least = 100 * (tuning.results[0].accuracy.reference - budget.max_drop)
    axes.axhline(least, color="0.3", ls="--", lw=1, label=f"at most {100 * budget.max_drop:g} pp under fp32")
    if budget.max_latency_ms is not None:
        axes.axvline(
            budget.max_latency_ms, color="0.3", ls=":", lw=1, label=f"p99 at most {budget.max_latency_ms:g} ms"
        )
    if chosen is not None:
        place = (chosen.times.p50_ms, 100 * chosen.accuracy.candidate)
        axes.plot(*place, "o", ms=13, mfc="none", mec="black", mew=1.6, label=f"chosen: {chosen.point.describe()}")
