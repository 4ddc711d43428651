"""The report's pictures: SVG that takes the page's own colours, and the confusion matrix as a PNG."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from edge_resnet import files
from edge_resnet.train.checkpoint import History
from edge_resnet.train.evaluate import Evaluation
from edge_resnet.train.report.figures import Calibration, PrecisionRecall
from edge_resnet.train.report.material import Stage

# Up to so many classes a matrix can hold numbers and names; over it only colours.
_READABLE_CLASSES = 40
_MATRIX_INCHES = 9.0
# A colour that nothing else has, replaced by the page's text colour, light or dark.
_INK = "#0a0b0c"
# Tells colours apart on white and on black, also for the colour-blind (Okabe and Ito 2008, without black and yellow).
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
_STYLES = ("-", "--")
_WIDTH_INCHES, _HEIGHT_INCHES = 5.2, 3.4


def stages(shown: Sequence[Stage]) -> str:
    """Each stage's accuracy with its interval, one under the other."""
    with _drawing() as figure:
        figure.set_figheight(0.45 * len(shown) + 0.8)
        axes = figure.add_subplot()
        for place, stage in enumerate(shown):
            low, high = stage.evaluation.interval
            colour = _COLOURS[0] if place == len(shown) - 1 else _INK
            axes.plot([100 * low, 100 * high], [place, place], color=colour, linewidth=2)
            axes.plot(100 * stage.evaluation.accuracy, place, "o", color=colour)
        axes.set(xlim=(0, 100), xlabel="accuracy in %, with its 95% interval", ylim=(len(shown) - 0.5, -0.5))
        axes.set_yticks(range(len(shown)), [stage.name for stage in shown])
        axes.grid(axis="x", alpha=0.25)
        return _svg(figure, "Accuracy of each stage with its 95% interval")


def precision_recall(curves: Sequence[PrecisionRecall]) -> str:
    """One curve a class."""
    with _drawing() as figure:
        axes = figure.add_subplot()
        for place, curve in enumerate(curves):
            colour, style = _COLOURS[place % len(_COLOURS)], _STYLES[place // len(_COLOURS) % len(_STYLES)]
            label = f"{_short(curve.label)}, AP {curve.average_precision:.2f}"
            axes.step(curve.recall, curve.precision, where="post", label=label, color=colour, linestyle=style)
        axes.set(xlim=(0, 1.01), ylim=(0, 1.03), xlabel="recall", ylabel="precision")
        axes.grid(alpha=0.25)
        figure.legend(fontsize=8, loc="outside lower center", ncols=2, framealpha=0)
        return _svg(figure, "Precision against recall of each class")


def reliability(before: Calibration, after: Calibration) -> str:
    """Accuracy against confidence, without the temperature and with it, over the number of pictures."""
    with _drawing() as figure:
        figure.set_figwidth(2 * _WIDTH_INCHES)
        upper, lower = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=(3, 1))
        for column, (name, side) in enumerate((("without temperature", before), ("with temperature", after))):
            _reliability(upper[column], lower[column], side)
            upper[column].set_title(f"{name}: calibration error {side.error:.1%}", fontsize=10)
        upper[0].set_ylabel("share right")
        lower[0].set_ylabel("pictures")
        return _svg(figure, "Reliability diagram without and with the temperature")


def _reliability(upper: Axes, lower: Axes, side: Calibration) -> None:
    filled = [each for each in side.bins if each.n]
    upper.plot([0, 1], [0, 1], color=_INK, linestyle=":", linewidth=1)
    for each in filled:
        middle, width = (each.low + each.high) / 2, 0.9 * (each.high - each.low)
        upper.bar(middle, each.accuracy, width, color=_COLOURS[0], alpha=0.75)
        upper.plot([each.confidence] * 2, [each.accuracy, each.confidence], color=_COLOURS[5], linewidth=2)
        lower.bar(middle, each.n, width, color=_INK, alpha=0.4)
    upper.set(xlim=(0, 1), ylim=(0, 1))
    lower.set(xlabel="confidence")


def history(past: History) -> str:
    """Losses and validation accuracy over the epochs; the best epoch is marked."""
    epochs = [epoch.epoch for epoch in past.epochs]
    with _drawing() as figure:
        figure.set_figwidth(2 * _WIDTH_INCHES)
        losses, accuracy = figure.subplots(1, 2)
        trained = [(epoch.epoch, epoch.train_loss) for epoch in past.epochs if epoch.train_loss is not None]
        lines = {"training": trained, "validation": [(epoch.epoch, epoch.val_loss) for epoch in past.epochs]}
        for colour, (name, points) in zip(_COLOURS[1::-1], lines.items(), strict=True):
            xs, ys = [x for x, _ in points], [y for _, y in points]
            losses.plot(xs, ys, "o-", color=colour, markersize=3, label=name)
        losses.legend(fontsize=8, framealpha=0)
        accuracy.plot(
            epochs, [100 * epoch.val_accuracy for epoch in past.epochs], "o-", color=_COLOURS[0], markersize=3
        )
        for axes, name in ((losses, "loss in nats"), (accuracy, "validation accuracy in %")):
            axes.axvline(past.best.epoch, color=_INK, linestyle=":", linewidth=1)
            axes.set(xlabel="epoch", ylabel=name)
            axes.grid(alpha=0.25)
        return _svg(figure, "Losses and validation accuracy by epoch")


def draw_confusion(path: Path, evaluation: Evaluation, title: str) -> None:
    """The confusion matrix as a picture: rows are the truth, columns the answer; colour is the share of the row.

    With more than 40 classes without numbers and names, which nobody could read.
    """
    matrix = evaluation.confusion
    readable = len(matrix) <= _READABLE_CLASSES
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = max(3.5, 0.5 * len(matrix) + 2.0) if readable else _MATRIX_INCHES
    with _quiet_fonts():
        figure = Figure(figsize=(side + 0.6, side), layout="constrained", dpi=120)
        axes = figure.add_subplot()
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        axes.set(xlabel="answer", ylabel="truth", title=title)
        if readable:
            _write_numbers(axes, evaluation, share)
        with files.whole_file(path) as temporary:
            figure.savefig(temporary)


def _write_numbers(axes: Axes, evaluation: Evaluation, share: np.ndarray) -> None:
    ticks = range(len(share))
    axes.set_xticks(ticks, [_short(label) for label in evaluation.labels], rotation=45, ha="right")
    axes.set_yticks(ticks, [_short(label) for label in evaluation.labels])
    for row in ticks:
        for column in ticks:
            colour = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, str(evaluation.confusion[row, column]), ha="center", va="center", color=colour)


def _short(label: str) -> str:
    """A name that does not push everything else off the picture."""
    return label if len(label) <= 24 else label[:23] + "…"


@contextmanager
def _quiet_fonts() -> Iterator[None]:
    """Names are taken as they are: a dollar sign begins no formula, and a letter that the font lacks is no news."""
    with warnings.catch_warnings(), matplotlib.rc_context({"text.parse_math": False}):
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


@contextmanager
def _drawing() -> Iterator[Figure]:
    """A figure whose axes and text have the page's colour, and whose text stays text."""
    with _quiet_fonts():
        matplotlib.rc("svg", fonttype="none", hashsalt="edge-resnet")
        matplotlib.rc("font", family="sans-serif", size=9.5)
        matplotlib.rc("axes", edgecolor=_INK, labelcolor=_INK)
        for part in ("text", "grid", "xtick", "ytick"):
            matplotlib.rc(part, color=_INK)
        figure = Figure(figsize=(_WIDTH_INCHES, _HEIGHT_INCHES), layout="constrained")
        figure.patch.set_alpha(0)
        yield figure


def _svg(figure: Figure, description: str) -> str:
    """The figure as an SVG element for a page."""
    for axes in figure.axes:
        axes.patch.set_alpha(0)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    # Without the XML declaration, which has no place inside a page.
    element = text.getvalue()[text.getvalue().index("<svg") :]
    kind = "two" if figure.get_figwidth() > _WIDTH_INCHES else "one"
    opening = f'<svg class="{kind}" role="img" aria-label="{description}"'
    return element.replace(_INK, "currentColor").replace("<svg", opening, 1)
