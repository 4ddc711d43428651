"""The report's tables as plain cells, which the page and the model card write each in their own way."""

from __future__ import annotations

from dataclasses import dataclass

from edge_resnet.data.listing import SPLITS
from edge_resnet.train.report.figures import Figures
from edge_resnet.train.share import Share

NOTHING = "–"
_CONFUSED_PAIRS = 20

# A share is written with its interval.
Cell = str | Share


@dataclass(frozen=True)
class Table:
    """Column heads and rows of as many cells; what matters most is on top."""

    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def stages(figures: Figures) -> Table:
    """Who answered, and how well."""
    rows = tuple(
        (stage.name, stage.evaluation.share, f"{stage.evaluation.balanced_accuracy:.1%}", f"{stage.evaluation.n:,}")
        for stage in figures.material.stages
    )
    return Table(("Stage", "Accuracy", "Balanced over classes", "Pictures"), rows)


def classes(figures: Figures) -> Table:
    """Each class, that with the lowest average precision first, those without a picture last."""
    shares = zip(figures.material.final.evaluation.per_class, figures.average_precisions, strict=True)
    ordered = sorted(shares, key=lambda pair: 2.0 if pair[1] is None else pair[1])
    rows = tuple(
        (each.label, f"{each.recall.n:,}", each.recall, each.precision, _decimal(average)) for each, average in ordered
    )
    return Table(("Class", "Pictures", "Recall", "Precision", "Average precision"), rows)


def cameras(figures: Figures) -> Table:
    """Each camera, the worst first."""
    rows = tuple((group.name, f"{group.share.n:,}", group.share) for group in figures.groups)
    return Table(("Camera", "Pictures", "Accuracy"), rows)


def leaks(figures: Figures) -> Table:
    """The accuracy with and without the pictures that are related to training pictures."""
    found = figures.leaks
    rows = (("all", f"{found.counted.n:,}", found.counted), ("without leaks", f"{found.without.n:,}", found.without))
    return Table(("Judged pictures", "Number", "Accuracy"), rows)


def alarms(figures: Figures) -> Table:
    """Each alarm's threshold and what it does on validation and on the judged pictures; most false alarms first."""
    judged = figures.judged.split
    ordered = sorted(figures.material.alarms, key=lambda choice: -figures.alarms[choice.alarm].false_alarm_rate.part)
    rows: list[tuple[Cell, ...]] = []
    for choice in ordered:
        held = str(choice.wish) if choice.refused is None else f"{choice.wish}: refused, {choice.refused}"
        sides = [choice.validation] if judged == "val" else [choice.validation, figures.alarms[choice.alarm]]
        cells = [cell for side in sides for cell in (side.recall, side.precision, side.false_alarm_rate)]
        rows.append((choice.alarm, f"{choice.threshold:.3f}", *cells, held))
    names = ["val"] if judged == "val" else ["val", judged]
    heads = [f"{kind}, {name}" for name in names for kind in ("Recall", "Precision", "False alarms")]
    return Table(("Alarm", "Threshold", *heads, "Wish"), tuple(rows))


def confused(figures: Figures) -> Table:
    """The most frequent wrong answers."""
    pairs = figures.material.final.evaluation.most_confused(_CONFUSED_PAIRS)
    rows = tuple(
        (pair["truth"], pair["answer"], Share(pair["pictures"], pair["of"]), str(pair["pictures"])) for pair in pairs
    )
    return Table(("Truth", "Answer", "Of this class", "Pictures"), rows)


def pictures(figures: Figures) -> Table:
    """How many pictures of each class each split has."""
    counts = figures.material.counts
    rows = tuple(
        (label, *(f"{counts.get(split, {}).get(label, 0):,}" for split in SPLITS))
        for label in figures.material.spec.labels
    )
    total = tuple(f"{sum(counts.get(split, {}).values()):,}" for split in SPLITS)
    return Table(("Class", *SPLITS), (("all", *total), *rows))


def run(figures: Figures) -> Table:
    """What ran, on what, how fast."""
    material = figures.material
    speed = ((f"pictures per second, {name}", f"{rate:,.1f}") for name, rate in material.pictures_per_second.items())
    size = f"{material.spec.input.height} x {material.spec.input.width}, {material.spec.input.resize}"
    rows = (
        ("run", material.run),
        ("input", size),
        ("device", material.device),
        ("processor", material.processor),
        ("best epoch", f"{material.history.best.epoch} of {material.history.epochs[-1].epoch}"),
        ("seconds in all", f"{material.seconds:,.0f}"),
        *speed,
        ("temperature", f"{material.spec.temperature:.3f}"),
        ("data fingerprint", material.data_fingerprint),
        ("pictures left out", f"{len(material.skipped):,}"),
        *((f"version of {name}", version) for name, version in material.versions.items()),
        *((f"setting {name}", str(value)) for name, value in material.chosen.items() if name != "device"),
    )
    return Table(("What", "Value"), rows)


def _decimal(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3f}"
