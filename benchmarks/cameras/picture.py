"""The picture of the benchmark: how CPU by stage, memory and the age of frames grow with the number of cameras."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks.cameras.systems import FULL, LADDER
from benchmarks.cameras.trial import MOST_AGE_S
from edge_resnet import files

# Okabe and Ito 2008: told apart without red and green.
_COLOURS = ("#56B4E9", "#E69F00", "#009E73", "#0072B2", "#CC79A7")
_LADDER, _FULL, _OTHER, _LIMIT = "#0072B2", "#D55E00", "#888888", "#555555"
_PASSED, _FAILED = "o", "x"
_ROW_HEIGHT = 3.4


def draw(settings: Sequence[dict[str, Any]], path: Path) -> None:
    """Write the picture, a row for each setting."""
    figure = Figure(figsize=(12.0, _ROW_HEIGHT * len(settings)), layout="constrained", dpi=100)
    axes = figure.subplots(len(settings), 3, squeeze=False)
    for setting, (cpu, memory, age) in zip(settings, axes, strict=True):
        trials = {name: sorted(found, key=_cameras) for name, found in setting["trials"].items()}
        others = next((name for name in trials if name not in (LADDER, FULL)), None)
        _stages(cpu, trials.get(LADDER, []))
        cpu.set_title(
            f"{setting['stream']}, {setting['rate_control']} rate, {setting['share']:.0%} active",
            fontsize=10,
            loc="left",
        )
        for name, found in trials.items():
            colour = {LADDER: _LADDER, FULL: _FULL}.get(name, _OTHER)
            label = name if name in (LADDER, FULL) else "others" if name == others else None
            _line(memory, found, "pss_mb", colour, label)
            _line(age, found, "age_p99_s", colour, label)
        age.axhline(MOST_AGE_S, color=_LIMIT, linewidth=0.8, linestyle=":")
        memory.set(ylabel="memory (PSS), MB", ylim=(0, None))
        age.set(ylabel="p99 age of a classified frame, s", yscale="log")
        for each in (cpu, memory, age):
            each.set_xlabel("cameras")
            each.set_xlim(left=0)
            each.grid(alpha=0.25)
    # Over all rows and below them: wherever it stood inside, it would hide something in one of them.
    cpu, memory, _ = axes[0]
    keys = [each.get_legend_handles_labels() for each in (cpu, memory)]
    handles, labels = ([*first, *second] for first, second in zip(*keys, strict=True))
    passed = [Line2D([], [], color=_OTHER, marker=mark, linestyle="") for mark in (_PASSED, _FAILED)]
    figure.legend(
        [*handles, *passed],
        [*labels, "passed", "did not"],
        loc="outside lower center",
        ncols=6,
        fontsize=8,
        frameon=False,
    )
    with files.whole_file(path) as temporary:
        figure.savefig(temporary)


def _cameras(trial: dict[str, Any]) -> int:
    return int(trial["cameras"])


def _stages(axes: Axes, trials: Sequence[dict[str, Any]]) -> None:
    """CPU with the ladder, by stage where it is told, and of the cameras' server beside it."""
    cameras = [_cameras(each) for each in trials]
    stages = list(dict.fromkeys(stage for each in trials for stage in each["cores_by_stage"]))
    if stages:
        heights = [[each["cores_by_stage"].get(stage, 0.0) for each in trials] for stage in stages]
        axes.stackplot(cameras, heights, labels=stages, colors=_COLOURS, alpha=0.85)
    axes.plot(cameras, [each["cores"] for each in trials], color=_LIMIT, marker="o", markersize=3, label="all of it")
    server = [each["server_cores"] for each in trials]
    axes.plot(cameras, server, color=_LIMIT, linestyle="--", label="the cameras themselves")
    axes.set(ylabel="cores, with the ladder", ylim=(0, None))


def _line(axes: Axes, trials: Sequence[dict[str, Any]], key: str, colour: str, label: str | None) -> None:
    known = [each for each in trials if each[key] is not None]
    axes.plot([_cameras(each) for each in known], [each[key] for each in known], color=colour, linewidth=1, label=label)
    for each in known:
        axes.plot(_cameras(each), each[key], color=colour, marker=_PASSED if each["passed"] else _FAILED, markersize=5)
