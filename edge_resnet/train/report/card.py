"""MODEL_CARD.md: the same figures as plain Markdown, under the usual headings (Mitchell et al. 2019)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edge_resnet.train.args import Args
from edge_resnet.train.report import tables
from edge_resnet.train.report.conclusions import Conclusion, verdict
from edge_resnet.train.report.figures import Figures
from edge_resnet.train.report.tables import NOTHING, Table
from edge_resnet.train.share import Share

_ROWS = 50
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|])")


def render(figures: Figures, conclusions: Sequence[Conclusion]) -> str:
    """The card as Markdown without HTML."""
    sections = (
        _head(figures, conclusions),
        _intended_use(figures),
        _training_data(figures),
        _figures(figures),
        _limits(conclusions),
        _alarms(figures),
        _reproduce(figures),
    )
    return "\n".join(line for section in sections for line in section)


def _head(figures: Figures, conclusions: Sequence[Conclusion]) -> Iterator[str]:
    labels = figures.material.spec.labels
    yield f"# Model card: {_plain(figures.material.run)}\n"
    yield (
        f"ResNet-50 for {len(labels):,} classes, {_plain(figures.material.final.name)}: "
        f"{figures.headline}; {verdict(conclusions)[0]}.\n"
    )


def _intended_use(figures: Figures) -> Iterator[str]:
    spec = figures.material.spec
    yield "## Intended use\n"
    yield (
        f"Tells pictures of fixed cameras apart: {_plain(_some(spec.labels))}. Classes that never raise an alarm: "
        f"{_plain(_some(spec.background)) or 'none'}. Input {spec.input.height} x {spec.input.width} pixels "
        f"({spec.input.resize}). Meant for cameras, light and scenes like those of the training pictures.\n"
    )
    yield (
        "Not meant to be the only safeguard where lives depend on it, nor to identify people. It always answers with "
        "one of its classes, also for a picture that shows none of them.\n"
    )


def _training_data(figures: Figures) -> Iterator[str]:
    material = figures.material
    yield "## Training data\n"
    yield from _table(tables.pictures(figures))
    yield f"Fingerprint (SHA-256 over split, class and content): `{material.data_fingerprint}`"
    yield f"\nPictures left out because they could not be read: {len(material.skipped):,}.\n"


def _figures(figures: Figures) -> Iterator[str]:
    split, mean = figures.judged.split, figures.mean_average_precision
    yield f"## Figures on the {split} pictures\n"
    yield from _table(tables.stages(figures))
    yield "### Per class\n"
    yield from _table(tables.classes(figures))
    yield f"Mean average precision {NOTHING if mean is None else f'{mean:.3f}'}.\n"
    yield "### Most frequent mistakes\n"
    confused = tables.confused(figures)
    yield from _table(confused) if confused.rows else ["None: every answer is right.\n"]
    yield "### Per camera\n"
    if figures.groups:
        yield from _table(tables.cameras(figures))
    else:
        yield "Nothing tells which camera the pictures come from.\n"
    yield "### Calibration\n"
    yield (
        f"Temperature {figures.material.spec.temperature:.3f}; expected calibration error {figures.before.error:.1%} "
        f"without it, {figures.after.error:.1%} with it.\n"
    )
    if figures.leaks.n:
        yield "### With and without pictures related to training pictures\n"
        yield from _table(tables.leaks(figures))


def _limits(conclusions: Sequence[Conclusion]) -> Iterator[str]:
    yield "## What is shown, and limits\n"
    names = {"good": "Shown", "open": "Open", "bad": "Mind"}
    yield from (f"- {names[each.tone]}: {_plain(each.text)}" for each in conclusions)
    yield ""


def _alarms(figures: Figures) -> Iterator[str]:
    yield "## Alarms and thresholds\n"
    yield from _table(tables.alarms(figures))
    yield (
        "Shares of single pictures. How many false alarms a day a camera raises is not in them; "
        "hours of its own video, watched with `edge-resnet stream`, tell.\n"
    )


def _reproduce(figures: Figures) -> Iterator[str]:
    yield "## How to reproduce\n"
    yield f"    {command(figures.material.asked)}\n"
    yield from _table(tables.run(figures))


def command(asked: Mapping[str, Any]) -> str:
    """The command line that asks for this; options at their defaults are left out."""
    words = ["edge-resnet", "finetune", str(asked["data"])]
    if {"height", "width"} <= asked.keys():
        words += ["--input", f"{asked['height']}x{asked['width']}"]
    for name, value in asked.items():
        field = Args.model_fields.get(name)
        if name in {"data", "height", "width"} or value is None or (field is not None and value == field.default):
            continue
        option = f"--{name.replace('_', '-')}"
        words += [option, ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)]
    return shlex.join(words)


def _table(table: Table) -> Iterator[str]:
    yield "| " + " | ".join(_plain(head) for head in table.heads) + " |"
    yield "|" + " --- |" * len(table.heads)
    yield from ("| " + " | ".join(map(_cell, row)) + " |" for row in table.rows[:_ROWS])
    yield f"\n{len(table.rows) - _ROWS:,} more rows are in report.json.\n" if len(table.rows) > _ROWS else ""


def _cell(cell: str | Share) -> str:
    if isinstance(cell, str):
        return _plain(cell)
    return f"{cell} ({cell.range})" if cell.n else NOTHING


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20:,} more" if len(names) > 20 else "")
