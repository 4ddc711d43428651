"""The picture of a sweep: what the rules find against how often they may be wrong, by what this video can show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edge_resnet import files
from edge_resnet.environment import require
from runtime.backtest.budget import Budget, bound, duration
from runtime.backtest.sweep import Choice, Trial, frontier

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Of Okabe and Ito, told apart by colour-blind people too; from the shortest window to the longest.
_COLOURS = ("#56B4E9", "#0072B2", "#009E73", "#E69F00", "#D55E00", "#CC79A7")
_PANEL_INCHES = 4.6
# Counts over the axis stand this factor apart, so that they can be read.
_APART = 1.06


def check() -> None:
    """Raise UserError where no picture can be drawn."""
    require("matplotlib", extra="train")


def draw(path: Path, choices: Sequence[Choice], budget: Budget | None) -> None:
    """Write the picture (PNG) to `path`, a panel for each alarm. Raises UserError where matplotlib is missing."""
    check()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, _PANEL_INCHES * len(choices)), layout="constrained", dpi=120)
    panels = figure.subplots(len(choices), squeeze=False)
    for choice, axes in zip(choices, panels[:, 0], strict=True):
        _draw_alarm(axes, choice, budget)
    with files.whole_file(path) as temporary:
        figure.savefig(temporary, format="png")


def _draw_alarm(axes: Axes, choice: Choice, budget: Budget | None) -> None:
    total = choice.today.total
    axes.set_title(f"{choice.alarm}: {len(choice.tried)} rules on {duration(total.normal_s)} of normal video", pad=12)
    if not (total.expected and total.normal_s):
        missing = "normal video" if total.expected else "true intervals"
        axes.text(0.5, 0.5, f"no {missing} of it here", ha="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    windows_s = sorted({trial.settings.window_s for trial in choice.tried})
    for number, window_s in enumerate(windows_s):
        # Aside by a little, where several windows would hide each other.
        aside = 0.008 * (number - (len(windows_s) - 1) / 2)
        trials = [trial for trial in choice.tried if trial.settings.window_s == window_s]
        axes.plot(
            [bound(trial.total) for trial in trials],
            [_recall(trial) + aside for trial in trials],
            "o",
            ms=5,
            alpha=0.6,
            mew=0,
            color=_COLOURS[number % len(_COLOURS)],
            label=f"window {window_s:g} s",
        )
    best = frontier(choice.tried)
    places = [bound(trial.total) for trial in best], [_recall(trial) for trial in best]
    axes.step(*places, where="post", color="0.4", lw=1.2, zorder=1, label="frontier")
    _mark(axes, choice.today, "s", "rule of today")
    if choice.chosen is not None:
        _mark(axes, choice.chosen, "o", "chosen")
    if budget is not None:
        axes.axvline(budget.per_day, color="black", ls="--", lw=1, label=f"budget {budget.text}")
    axes.set(
        xlabel="false alarms a day: at most so many (95% upper bound)",
        ylabel=f"found, of {total.expected}",
        ylim=(-0.05, 1.05),
        xscale="log",
    )
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
    _label_rates(axes, choice)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)


def _label_rates(axes: Axes, choice: Choice) -> None:
    """Under the axis rates that people can read, over it the counts that they come from."""
    for which, size in (("major", 9), ("minor", 7)):
        axes.tick_params(axis="x", which=which, labelsize=size)
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.xaxis.set_minor_formatter("{x:,g}")
    rates = {trial.total.false: bound(trial.total) for trial in choice.tried}
    shown: dict[int, float] = {}
    for count, rate in sorted(rates.items()):
        if not shown or rate > _APART * max(shown.values()):
            shown[count] = rate
    top = axes.secondary_xaxis("top")
    top.set_xticks(list(shown.values()), [str(count) for count in shown], fontsize=8)
    top.set_xticks([], minor=True)
    top.set_xlabel("false alarms counted", fontsize=8)


def _mark(axes: Axes, trial: Trial, marker: str, label: str) -> None:
    place = bound(trial.total), _recall(trial)
    axes.plot(*place, marker, ms=12, mfc="none", mec="black", mew=1.6, label=label, ls="none")


def _recall(trial: Trial) -> float:
    return trial.total.found / trial.total.expected
