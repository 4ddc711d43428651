"""The report as one self-contained page: what is shown and what is not first, then the figures, then the mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from edge_resnet import page
from edge_resnet.thumbnail import data_uri
from edge_resnet.train.evaluate import Evaluation
from edge_resnet.train.report import plots, tables
from edge_resnet.train.report.conclusions import Conclusion, Tone, verdict
from edge_resnet.train.report.figures import Figures
from edge_resnet.train.report.html import folded_html, table_html
from edge_resnet.train.report.mistakes import Mistake
from edge_resnet.train.report.tables import NOTHING
from edge_resnet.train.report.words import WORDS

_MATRIX_CLASSES = 20
_CURVES = 8
_MARKS: dict[Tone, str] = {"good": "shown", "open": "open", "bad": "mind"}
_STYLE = """<style>
svg { max-width: 100%; height: auto } .wide svg.two { min-width: 40rem }
.matrix td { text-align: right } .matrix { width: auto } td .note { white-space: nowrap }
li > .mark { margin-right: .4em }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1rem 2rem }
</style>"""


def render(figures: Figures, conclusions: Sequence[Conclusion], mistakes: Sequence[Mistake]) -> str:
    """The page as HTML; nothing is loaded from anywhere, nothing runs, everything is escaped."""
    material = figures.material
    told, tone = verdict(conclusions)
    name = material.final.name
    headline = f"{name[:1].upper()}{name[1:]}: {figures.headline}"
    known = ", ".join(material.spec.labels[:_CURVES])
    more = f" and {len(material.spec.labels) - _CURVES:,} more" if len(material.spec.labels) > _CURVES else ""
    background = ", ".join(material.spec.background) or "none"
    classes = f"{len(material.spec.labels):,} classes: {known}{more}"
    lead = f"ResNet-50, {classes}; never an alarm: {background}. Run {material.run}."
    sections = (
        _STYLE,
        *_conclusions(conclusions),
        *_stages(figures),
        *_classes(figures),
        *_calibration(figures),
        *_cameras(figures),
        *_leaks(figures),
        *_alarms(figures),
        *_mistakes(mistakes, material.final.evaluation),
        *_run(figures),
        WORDS,
    )
    return page.render("Training report", told, headline, lead, sections, tone)


def _conclusions(conclusions: Sequence[Conclusion]) -> Iterator[str]:
    yield "<h2>What this says, and what it does not</h2>"
    lines = (
        f'<li><span class="mark {each.tone}">{_MARKS[each.tone]}</span>{escape(each.text)}' for each in conclusions
    )
    yield f"<ul>{''.join(lines)}</ul>"


def _stages(figures: Figures) -> Iterator[str]:
    yield "<h2>Was the training worth it?</h2>"
    yield f'<div class="columns"><div>{plots.stages(figures.material.stages)}</div>'
    yield f"<div>{table_html(tables.stages(figures))}</div></div>"


def _classes(figures: Figures) -> Iterator[str]:
    evaluation = figures.material.final.evaluation
    yield "<h2>Class by class</h2>"
    mean = figures.mean_average_precision
    yield f"<p>Mean average precision: {NOTHING if mean is None else f'{mean:.3f}'}.</p>"
    curves = figures.curves(_CURVES)
    few = (
        "" if len(curves) < _CURVES else f'<p class="note">The {_CURVES} classes with the lowest average precision.</p>'
    )
    yield f'<div class="columns"><div>{table_html(tables.classes(figures))}</div>'
    yield f"<div>{plots.precision_recall(curves)}{few}</div></div>"
    yield "<h2>What is taken for what</h2>"
    if len(evaluation.labels) <= _MATRIX_CLASSES:
        yield _matrix(evaluation)
        return
    pairs = tables.confused(figures)
    yield table_html(pairs) if pairs.rows else "<p>Nothing: every answer is right.</p>"


def _matrix(evaluation: Evaluation) -> str:
    """The confusion matrix as a table whose cells are the darker the greater their share of the row."""
    heads = "".join(f'<th class="number">{escape(label)}' for label in evaluation.labels)
    lines = []
    for label, counts in zip(evaluation.labels, evaluation.confusion.tolist(), strict=True):
        total = max(1, sum(counts))
        cells = "".join(
            f'<td style="background: color-mix(in srgb, #0072b2 {70 * count / total:.0f}%, transparent)">{count}'
            for count in counts
        )
        lines.append(f"<tr><th>{escape(label)}{cells}</tr>")
    note = '<p class="note">Rows are the truth, columns the answer.</p>'
    table = f'<table class="matrix"><thead><tr><th>{heads}</tr></thead><tbody>{"".join(lines)}</tbody></table>'
    return f'{note}<div class="wide">{table}</div>'


def _calibration(figures: Figures) -> Iterator[str]:
    yield "<h2>Is it as sure as it may be?</h2>"
    same = figures.judged.split == "val"
    note = " Both come from the pictures that the temperature was fitted on, so the second is too good." if same else ""
    yield (
        f"<p>Temperature {figures.material.spec.temperature:.3f}: calibration error {figures.before.error:.1%} "
        f"without, {figures.after.error:.1%} with it. On few pictures this error is never near nothing.{note}</p>"
    )
    yield f'<div class="wide">{plots.reliability(figures.before, figures.after)}</div>'


def _cameras(figures: Figures) -> Iterator[str]:
    yield "<h2>Camera by camera</h2>"
    mean = figures.mean_over_groups
    if mean is None:
        yield "<p>Nothing tells which camera the pictures come from (a folder below the class, or groups.csv).</p>"
        return
    worst = figures.groups[0]
    yield f"<p>Mean over cameras {mean:.1%}, the worst is {escape(worst.name)} with {worst.share}.</p>"
    yield table_html(tables.cameras(figures))


def _leaks(figures: Figures) -> Iterator[str]:
    yield "<h2>Pictures that training has seen</h2>"
    if figures.leaks.n:
        yield table_html(tables.leaks(figures))
    else:
        yield f"<p>No {figures.judged.split} picture is related to a training picture.</p>"


def _alarms(figures: Figures) -> Iterator[str]:
    yield "<h2>Alarms and their thresholds</h2>"
    table = tables.alarms(figures)
    if not table.rows:
        yield "<p>The model has no alarm.</p>"
        return
    yield (
        "<p>A look counts for an alarm when its probability reaches the threshold. False alarms: the share of all "
        "other pictures that reach it. A stream takes several looks together before it alarms, and these pictures are "
        "not its day: how many false alarms a day it raises is told only by hours of its own video.</p>"
    )
    yield table_html(table)


def _mistakes(mistakes: Sequence[Mistake], evaluation: Evaluation) -> Iterator[str]:
    yield "<h2>Worst mistakes</h2>"
    if not mistakes:
        yield "<p>None: every answer is right.</p>"
        return
    wrong = evaluation.n - evaluation.correct
    which = f"The {len(mistakes)} surest of" if wrong > len(mistakes) else "All"
    yield (
        f"<p>{which} {wrong:,} wrong answers, those of which the model was surest first. Some may be wrong labels. "
        "Colour shows which places, by themselves, would be called that class.</p>"
    )
    yield f'<div class="gallery">{"".join(map(_card, mistakes))}</div>'


def _card(mistake: Mistake) -> str:
    columns = (
        f'<div><img alt="the picture" src="{data_uri(mistake.frame)}"></div>',
        _map("says", mistake.answer, mistake.probability, data_uri(mistake.frame, mistake.heat)),
        _map("truly", mistake.truth, mistake.true_probability, data_uri(mistake.frame, mistake.true_heat)),
    )
    caption = " · ".join(part for part in (mistake.sample.path.name, mistake.sample.group) if part)
    told = f'<figcaption class="note">{escape(caption)}</figcaption>'
    return f'<figure><div class="three">{"".join(columns)}</div>{told}</figure>'


def _map(who: str, label: str, probability: float, source: str) -> str:
    name = escape(label)
    return f'<div><img alt="where it sees {name}" src="{source}"><p>{who}:<br><b>{name} {probability:.1%}</b></p></div>'


def _run(figures: Figures) -> Iterator[str]:
    yield "<h2>How it was trained</h2>"
    yield f'<div class="wide">{plots.history(figures.material.history)}</div>'
    yield table_html(tables.pictures(figures))
    yield folded_html("settings, versions, fingerprint", tables.run(figures))
    if skipped := figures.material.skipped:
        lines = "".join(f"<li>{escape(str(item.path))}: {escape(item.reason)}" for item in skipped)
        yield f"<details><summary>{len(skipped)} pictures left out</summary><ul>{lines}</ul></details>"
    if audit := figures.material.audit:
        lines = "".join(f"<li>{escape(str(name))}: {escape(_flat(value))}" for name, value in audit.items())
        yield f"<details><summary>what the audit of the pictures found (audit.html)</summary><ul>{lines}</ul></details>"


def _flat(value: object) -> str:
    """A value of a summary in words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {inner}" for name, inner in value.items()) or NOTHING
    return str(value)
