"""The proof as one self-contained page: nothing is loaded from anywhere, nothing runs, everything is escaped.

Whoever has to decide reads it from the top: what to do, the rows, then what changed and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal

from edge_resnet import page
from edge_resnet.thumbnail import data_uri
from export.parity.advice import advise
from export.parity.gallery import Answer, ChangedPicture
from export.parity.report import Report
from export.parity.row import Row, RowVerdict, class_name
from export.parity.table import details, table
from export.parity.words import WORDS

_PASS = "Every answer that could be checked stayed within the allowed difference."
# What was judged comes first.
_ORDER: tuple[RowVerdict, ...] = ("fail", "pass", "emulated", "built, not run", "unsupported", "not installed")
_FAIL = "At least one engine's answers are not the trained model's, or none could be checked."


def render(report: Report) -> str:
    """The page of a report, as HTML."""
    sections = [
        *_rows(report),
        *_flips(report),
        *_gallery(report),
        *_drift(report),
        details(report.rows),
    ]
    verdict: Literal["pass", "fail"] = "pass" if report.passed else "fail"
    lead = (
        f"{report.n} pictures went through the trained model ({report.reference}) and through every engine of this "
        f"box. {_PASS if report.passed else _FAIL}"
    )
    return page.render("Parity", verdict, report.recommendation, lead, [*sections, WORDS], verdict)


def _rows(report: Report) -> Iterable[str]:
    told = sorted(zip(report.rows, advise(report.rows), strict=True), key=lambda pair: _ORDER.index(pair[0].verdict))
    yield "<h2>Every engine</h2>"
    yield table(told)
    if report.not_shown:
        kinds = escape(", ".join(report.not_shown).upper())
        yield f'<p class="note">Not proven on any engine here, in its own arithmetic: {kinds}.</p>'
    yield "<h2>In words</h2>"
    yield f"<ul>{''.join(f'<li>{escape(advice.sentence)}' for _row, advice in told)}</ul>"


def _flips(report: Report) -> Iterable[str]:
    yield "<h2>Answers that changed, class by class</h2>"
    rows = [row for row in report.rows if row.result is not None and row.result.flips]
    if not rows:
        yield "<p>None: every engine gives every picture the class that the trained model gives.</p>"
        return
    yield '<div class="wide"><table><thead><tr><th>Engine<th>Trained model says<th>Engine says'
    yield '<th class="number">Pictures</tr></thead><tbody>'
    for row in rows:
        yield from _flips_of(row, report.labels)
    yield "</tbody></table></div>"


def _flips_of(row: Row, labels: Sequence[str]) -> Iterable[str]:
    assert row.result is not None
    name = escape(row.name)
    for flip in row.result.flips:
        before, after = (escape(class_name(index, labels)) for index in (flip.reference, flip.candidate))
        yield f'<tr><td>{name}<td>{before}<td>{after}<td class="number">{flip.pictures} of {flip.of}</tr>'
        name = ""


def _gallery(report: Report) -> Iterable[str]:
    yield "<h2>Pictures that changed sides</h2>"
    gallery = report.gallery
    if gallery is None:
        yield "<p>Left out: this report goes with a bundle that must not carry anybody's pictures.</p>"
    elif not gallery.pictures:
        yield "<p>None on the engines that were judged.</p>"
    else:
        shown = len(gallery.pictures)
        yield (
            f"<p>{gallery.changed} in all, {shown} here, those first of which the trained model was surest. The colour "
            "shows which places, by themselves, would be called that class.</p>"
        )
        cards = "".join(_card(picture, report) for picture in gallery.pictures)
        yield f'<div class="gallery">{cards}</div>'


def _card(picture: ChangedPicture, report: Report) -> str:
    truth = "" if picture.truth is None else f"truly {class_name(picture.truth, report.labels)}"
    also = [f"{row}: {class_name(label, report.labels)}" for row, label in picture.also.items()]
    told = [picture.name, truth, f"also {', '.join(also)}" if also else ""]
    caption = escape(" · ".join(part for part in told if part))
    columns = [
        f'<div><img alt="the picture" src="{data_uri(picture.frame)}"></div>',
        _answer("Trained model", picture.reference, picture.candidate, picture, report.labels),
        _answer(picture.row, picture.candidate, picture.reference, picture, report.labels),
    ]
    return (
        f'<figure><div class="three">{"".join(columns)}</div><figcaption class="note">{caption}</figcaption></figure>'
    )


def _answer(who: str, answer: Answer, other: Answer, picture: ChangedPicture, labels: Sequence[str]) -> str:
    label = escape(class_name(answer.label, labels))
    image = f'<img alt="where it sees {label}" src="{data_uri(picture.frame, answer.heat)}">'
    if answer.heat is None:
        image = '<p class="note">No map: only the answers of the trained model are at hand.</p>'
    less = escape(class_name(other.label, labels))
    chances = f"<b>{label} {100 * answer.own:.1f}%</b><br>{less} {100 * answer.other:.1f}%"
    return f"<div>{image}<p>{escape(who)}:<br>{chances}</p></div>"


def _drift(report: Report) -> Iterable[str]:
    yield "<h2>If pictures are resized in another way</h2>"
    if not report.drift:
        yield "<p>Not measured: it needs the files of the pictures.</p>"
        return
    yield (
        f"<p>{report.drift[0].n} pictures through the trained model again, resized as other programs do. This is no "
        "verdict on an engine: it is what it costs to feed the model with code of one's own.</p>"
    )
    yield '<div class="wide"><table><thead><tr><th>Resized by<th class="number">Other answers'
    yield '<th class="number">Largest change of a probability<th class="number">Mean</tr></thead><tbody>'
    for drift in report.drift:
        cells = (f"{100 * drift.changed:.1f}%", f"{100 * drift.largest:.1f} pp", f"{100 * drift.mean:.2f} pp")
        yield f"<tr><td>{escape(drift.way)}{''.join(f'<td class=number>{cell}' for cell in cells)}</tr>"
    yield "</tbody></table></div>"
