"""A picture of a trace: probability over time, what the rule asked for, and when it raised and cleared."""

from __future__ import annotations

import warnings
from itertools import pairwise
from pathlib import Path
from typing import get_args

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.lines import Line2D

from edge_resnet import files
from edge_resnet.pictures import read_picture
from runtime.attempt import Lack
from runtime.rule import State
from runtime.why.trace import Step, Trace

# Colours that are told apart without red and green (Okabe and Ito 2008).
_LOOK, _OVER, _RAISED, _CLEARED, _GREY = "#0072B2", "#D55E00", "#D55E00", "#009E73", "#777777"
_WIDTH_INCHES, _HEIGHT_INCHES, _DPI = 9.0, 4.2, 120
# Of so many looks each has its point; of more they would run into each other.
_MOST_POINTS = 400
# The strip's height for each row, as a share of the plot's.
_ROW_SHARE = 0.07
# A mark's words stand to its left in this last part of the plot.
_RIGHT_PART = 0.85
_LACKS: tuple[Lack, ...] = get_args(Lack)
# Longer than this much of the usual time between two looks, nothing was looked at.
_PAUSE = 3.0


def draw(path: Path, trace: Trace, title: str, decisive: Step | None, snapshot: Path | None = None) -> None:
    """Write a picture (PNG, or what `path` ends in) of a trace with at least one look, whole or not at all.

    `decisive`: the look that is marked. `snapshot`: a picture to be shown beside it.
    """
    with matplotlib.rc_context({"text.parse_math": False, "font.size": 9.5}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(
            figsize=(_WIDTH_INCHES * (1.6 if snapshot else 1.0), _HEIGHT_INCHES), layout="constrained", dpi=_DPI
        )
        if snapshot is None:
            _plots(figure, trace, decisive)
        else:
            parts = figure.subfigures(1, 2, squeeze=False, width_ratios=(1.0, 0.6))
            _plots(parts[0, 0], trace, decisive)
            photo = parts[0, 1].add_subplot()
            photo.imshow(read_picture(snapshot)[..., ::-1])
            photo.set_axis_off()
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)
        with files.whole_file(path) as temporary:
            figure.savefig(temporary)


def _plots(figure: FigureBase, trace: Trace, decisive: Step | None) -> None:
    """The probabilities, and under them what was lacking."""
    rows = len({lack for step in trace.steps for lack in step.lacks})
    if not rows:
        axes = figure.add_subplot()
        _plot(axes, trace, decisive)
        axes.set_xlabel("seconds of the stream")
        return
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1.0, _ROW_SHARE * rows))
    _plot(upper, trace, decisive)
    _strip(lower, trace)


def _plot(axes: Axes, trace: Trace, decisive: Step | None) -> None:
    steps, rule = trace.steps, trace.rule
    times, values = [step.time_s for step in steps], [step.probability for step in steps]
    pauses = _pauses(steps)
    for start_s, end_s in pauses:
        axes.axvspan(start_s, end_s, facecolor="none", edgecolor="#cccccc", hatch="///", linewidth=0)
    if decisive is not None:
        axes.axvspan(decisive.time_s - rule.window_s, decisive.time_s, color="#f3e9d2", zorder=0)
    for start_s, end_s in _held(steps):
        axes.axvspan(start_s, end_s, ymin=0.97, color=_RAISED, linewidth=0)
    axes.axhline(rule.threshold, color=_OVER, linewidth=1.2)
    axes.axhline(rule.low_threshold, color=_OVER, linewidth=1, linestyle=":")
    axes.plot(times, values, color=_LOOK, linewidth=1, alpha=0.6)
    if len(steps) <= _MOST_POINTS:
        colours = [_OVER if value >= rule.threshold else _LOOK for value in values]
        axes.scatter(times, values, s=16, c=colours, zorder=3)
    _legend(axes, trace, decisive, bool(pauses), any(step.gate != "off" for step in steps))
    axes.set(ylabel=f"probability of {trace.target}", ylim=(-0.02, 1.06), xlim=(min(times) - 0.3, max(times) + 0.3))
    _mark_turns(axes, steps)
    axes.grid(alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _strip(axes: Axes, trace: Trace) -> None:
    """Under the probabilities, a row for each thing that was lacking, with a mark at each look that lacked it."""
    rows = [lack for lack in _LACKS if any(lack in step.lacks for step in trace.steps)]
    for row, lack in enumerate(rows):
        times = [step.time_s for step in trace.steps if lack in step.lacks]
        axes.scatter(times, [row] * len(times), s=14, marker="s", color=_GREY, linewidths=0)
    axes.set(xlabel="seconds of the stream", ylim=(len(rows) - 0.4, -0.6), yticks=range(len(rows)), yticklabels=rows)
    axes.tick_params(axis="y", length=0, labelsize=8)
    axes.set_ylabel("lacked", fontsize=8.5)
    axes.grid(axis="x", alpha=0.25)


def _mark_turns(axes: Axes, steps: tuple[Step, ...]) -> None:
    for before, after in pairwise(steps):
        held = before.state == State.HELD.value, after.state == State.HELD.value
        if held == (False, True):
            _mark(axes, after.time_s, "raised", _RAISED)
        elif held == (True, False):
            _mark(axes, after.time_s, "cleared" if after.state == State.COOLDOWN.value else "disarmed", _CLEARED)


def _mark(axes: Axes, time_s: float, words: str, colour: str) -> None:
    axes.axvline(time_s, color=colour, linewidth=1.2, linestyle="--")
    first_s, last_s = axes.get_xlim()
    late = time_s > first_s + _RIGHT_PART * (last_s - first_s)
    axes.annotate(
        f"{words} {time_s:.1f} s",
        (time_s, 0.94),
        xytext=(-4 if late else 4, 0),
        textcoords="offset points",
        ha="right" if late else "left",
        color=colour,
        fontsize=8.5,
    )


def _held(steps: tuple[Step, ...]) -> list[tuple[float, float]]:
    """From when to when an alarm was held."""
    return [(before.time_s, after.time_s) for before, after in pairwise(steps) if before.state == State.HELD.value]


def _pauses(steps: tuple[Step, ...]) -> list[tuple[float, float]]:
    """From when to when nothing was looked at."""
    gaps = sorted(after.time_s - before.time_s for before, after in pairwise(steps))
    if not gaps:
        return []
    longest_usual_s = _PAUSE * gaps[len(gaps) // 2]
    return [
        (before.time_s, after.time_s)
        for before, after in pairwise(steps)
        if after.time_s - before.time_s > longest_usual_s
    ]


def _legend(axes: Axes, trace: Trace, decisive: Step | None, paused: bool, gated: bool) -> None:
    rule = trace.rule
    handles = [
        Line2D([], [], color=_LOOK, marker="o", markersize=4, linewidth=1, label="a look"),
        Line2D([], [], color=_OVER, linewidth=1.2, label=f"threshold {rule.threshold:.2f}"),
        Line2D([], [], color=_OVER, linewidth=1, linestyle=":", label=f"low threshold {rule.low_threshold:.2f}"),
    ]
    if decisive is not None:
        handles.append(Line2D([], [], color="#e0cf9f", linewidth=7, label=f"window {rule.window_s:g} s"))
    if paused:
        why = "gate closed" if gated else "no looks"
        handles.append(Line2D([], [], color="#cccccc", linewidth=7, label=why))
    axes.legend(
        handles=handles, fontsize=8, ncols=len(handles), loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False
    )
