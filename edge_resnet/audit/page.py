"""The audit as one self-contained page: what to do, a line a check, then the pictures themselves."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from edge_resnet import page
from edge_resnet.audit.check import SEVERITIES, Finding, Severity, short
from edge_resnet.audit.result import Audit, Result
from edge_resnet.audit.words import kinds_of
from edge_resnet.data.survey import Survey
from edge_resnet.files import printable
from edge_resnet.thumbnail import data_uri

# So that the page of a bad set of 100,000 pictures still opens: of each check, and of each finding.
_MAX_PICTURES, _MAX_OF_FINDING = 60, 8
_TONES: dict[Severity, str] = {"error": "bad", "warning": "open", "note": "note"}
_HEADS = ("Check", "Worst", "Findings", "Pictures", "What was found")
# A finding is as wide as its pictures, and its words wrap below them.
_STYLE = """<style>
.finds { display: flex; flex-wrap: wrap; gap: .8rem; margin-top: .6rem } .finds figure { max-width: 100% }
.shots { display: flex; flex-wrap: wrap; gap: .5rem } .shots div { width: 10rem }
.finds figcaption { width: 0; min-width: 100% } .shots p { font-size: .75em; line-height: 1.3 }
</style>"""


def render(audit: Audit, survey: Survey) -> str:
    """The page, as HTML. `survey` is the one that was audited: its frames are the thumbnails."""
    split = "" if not any(sample.split for sample in audit.listing.samples) else ", with their splits"
    lead = (
        f"{len(audit.listing.samples)} pictures of {len(audit.listing.labels)} classes were looked at{split}. Errors "
        "make figures or training wrong, warnings are worth a look, notes are good to know. Nothing was changed"
        f"{f' but {len(audit.moved)} files moved to quarantine' if audit.moved else ''}."
    )
    return page.render(
        f"Audit of {printable(str(audit.listing.root))}",
        "pass" if audit.passed else "fail",
        _headline(audit),
        lead,
        [_STYLE, *_table(audit), *_not_run(audit), *_results(audit, survey)],
        "pass" if audit.passed else "fail",
    )


def _headline(audit: Audit) -> str:
    if audit.passed:
        return f"Nothing stands against training on these pictures: {audit.counts}."
    names = ", ".join(result.check.name for result in audit.results if result.worst == "error")
    return f"Mend these first: {names} ({audit.counts})."


def _table(audit: Audit) -> Iterable[str]:
    yield "<h2>Every check</h2>"
    heads = "".join(f"<th{_number(head)}>{head}" for head in _HEADS)
    rows = "\n".join(_row(result) for result in audit.results if not result.not_run)
    yield f'<table class="rows"><thead><tr>{heads}</tr></thead><tbody>\n{rows}\n</tbody></table>'


def _row(result: Result) -> str:
    name, worst = escape(result.check.name), result.worst
    cells = (
        f'<a href="#{name}">{name}</a>' if result.findings else name,
        '<span class="mark good">fine</span>'
        if worst is None
        else f'<span class="mark {_TONES[worst]}">{worst}</span>',
        str(len(result.findings)) if result.findings else "–",
        str(result.concerned) if result.findings else "–",
        escape(kinds_of(result)) or f'<span class="note">{escape(result.check.meaning)}</span>',
    )
    labelled = zip(_HEADS, cells, strict=True)
    return "<tr>" + "".join(_cell(head, cell) for head, cell in labelled) + "</tr>"


def _cell(head: str, cell: str) -> str:
    shape = ' class="number empty"' if cell == "–" else _number(head)
    return f'<td{shape} data-label="{head}"><div>{cell}</div>'


def _number(head: str) -> str:
    return ' class="number"' if head in ("Findings", "Pictures") else ""


def _not_run(audit: Audit) -> Iterable[str]:
    left_out = [result for result in audit.results if result.not_run]
    if left_out:
        yield "<h2>Not looked at</h2>"
        told = (f"<li><b>{escape(r.check.name)}</b>: {escape(printable(r.not_run))}</li>" for r in left_out)
        yield f"<ul>{''.join(told)}</ul>"


def _results(audit: Audit, survey: Survey) -> Iterable[str]:
    for result in sorted(audit.results, key=lambda r: SEVERITIES.index(r.worst or "note")):
        if result.findings:
            yield f'<h2 id="{escape(result.check.name)}">{escape(result.check.name)}</h2>'
            yield f"<p>{escape(result.check.meaning)}</p>"
            yield from _findings(result, survey)


def _findings(result: Result, survey: Survey) -> Iterable[str]:
    """Findings with thumbnails as cards, the others as a list, both up to _MAX_PICTURES."""
    cards, lines, room = [], [], _MAX_PICTURES
    for shown, finding in enumerate(result.findings):
        if room <= 0:
            left = len(result.findings) - shown
            lines.append(f"<li>{left} more finding{'s' if left > 1 else ''} in audit.json</li>")
            break
        room -= max(1, min(_MAX_OF_FINDING, len(finding.pictures) or len(finding.files)))
        if finding.pictures:
            cards.append(_card(result, finding, survey))
        else:
            lines.append(_line(result, finding, survey))
    if cards:
        yield f'<div class="finds">{"".join(cards)}</div>'
    if lines:
        yield f"<ul>{''.join(lines)}</ul>"


def _card(result: Result, finding: Finding, survey: Survey) -> str:
    shots = "".join(_shot(survey, index) for index in finding.pictures[:_MAX_OF_FINDING])
    return (
        f'<figure><div class="shots">{shots}</div><figcaption>{_told(result, finding)}'
        f"{_more(len(finding.pictures))}</figcaption></figure>"
    )


def _shot(survey: Survey, index: int) -> str:
    sample = survey.listing.samples[index]
    name = printable(sample.path.name)
    place = " · ".join(part for part in (sample.split, survey.listing.labels[sample.label], sample.group) if part)
    image = f'<img alt="{escape(name)}" src="{data_uri(survey.store.evaluation[index])}">'
    return f'<div>{image}<p>{escape(printable(place))}<br><span class="note">{escape(name)}</span></p></div>'


def _line(result: Result, finding: Finding, survey: Survey) -> str:
    names = [escape(short(path, survey.listing.root)) for path in finding.files[:_MAX_OF_FINDING]]
    files = "" if len(names) < 2 and names and names[0] in escape(finding.told) else ", ".join(names)
    listed = f'<br><span class="note">{files}{_more(len(finding.files))}</span>' if files else ""
    return f"<li>{_told(result, finding)}{listed}</li>"


def _told(result: Result, finding: Finding) -> str:
    severity = result.severity_of(finding)
    return f'<span class="mark {_TONES[severity]}">{severity}</span> {escape(printable(finding.told))}'


def _more(count: int) -> str:
    left = count - _MAX_OF_FINDING
    return f' <span class="note">({left} more in audit.json)</span>' if left > 0 else ""
