"""The parity report as one self-contained page: nothing is loaded from anywhere, everything is escaped."""

from __future__ import annotations

from html import escape
from string import Template

from edge_resnet.verdict import AccuracyDrop
from export.parity import Report, Row

_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Parity: $verdict</title>
<style>
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .4rem .7rem; border-bottom: 1px solid #8884; text-align: left; vertical-align: top }
td.number, th.number { text-align: right; white-space: nowrap }
.verdict { font-weight: 600; white-space: nowrap }
.pass { color: #1a7f37 } .fail { color: #cf222e } .emulated { color: #9a6700 }
.note { color: #777; font-size: .85em }
</style>
<h1>Parity: <span class="$verdict">$verdict</span></h1>
<p>$count pictures through every engine, compared with <b>$reference</b>.$not_shown</p>
<div class="wide">
<table>
<thead><tr><th>Engine<th>Precision<th>Verdict<th class="number">Largest |Δ logit|<th class="number">Cosine
<th class="number">KL, nats<th class="number">Same top-1 (95%)<th class="number">Accuracy
<th>No worse within the margin</tr></thead>
<tbody>
$rows
</tbody>
</table>
</div>
<p class="note">emulated: the device has no such arithmetic, so the numbers are a stand-in and not proof of that device.
|Δ logit| is the largest over all pictures and classes. Same top-1 with Wilson's interval. The last column compares
picture by picture: McNemar's exact test, and the one-sided 95% bound of the drop against the margin.</p>
</html>
""")


def render(report: Report) -> str:
    """The page of a report, as HTML."""
    not_shown = ""
    if report.not_shown:
        not_shown = f" Built, but not run in its own arithmetic here: {escape(', '.join(report.not_shown))}."
    return _PAGE.substitute(
        verdict="pass" if report.passed else "fail",
        count=report.n,
        reference=escape(report.reference),
        not_shown=not_shown,
        rows="\n".join(_row(row) for row in report.rows),
    )


def _row(row: Row) -> str:
    engine = escape(row.backend)
    if row.description is not None:
        told = f"{row.description.version}, {row.description.device}, runs {row.description.runs}"
        engine += f'<br><span class="note">{escape(told)}</span>'
    verdict = f'<span class="verdict {escape(row.verdict.split()[0])}">{escape(row.verdict)}</span>'
    if row.reason:
        verdict += f'<br><span class="note">{escape(row.reason)}</span>'
    cells = [f"<td>{engine}", f"<td>{escape(row.precision)}", f"<td>{verdict}"]
    return f"<tr>{''.join(cells)}{_figures(row)}</tr>"


def _figures(row: Row) -> str:
    if row.result is None or row.result.figures is None:
        return '<td colspan="6">'
    figures = row.result.figures
    low, high = figures.agreement_interval
    agreement = f"{100 * figures.agreement:.2f}%<br><span class='note'>{100 * low:.2f} to {100 * high:.2f}</span>"
    numbers = [f"{figures.max_difference:.2e}", f"{figures.cosine:.7f}", f"{figures.kl_nats:.2e}", agreement]
    numbers.append("" if row.result.accuracy is None else f"{100 * row.result.accuracy.candidate:.2f}%")
    return "".join(f'<td class="number">{number}' for number in numbers) + f"<td>{_no_worse(row.result.accuracy)}"


def _no_worse(accuracy: AccuracyDrop | None) -> str:
    if accuracy is None:
        return '<span class="note">no labels</span>'
    text = f"{accuracy.non_inferiority} at {100 * accuracy.margin:.2g} pp"
    if accuracy.pictures_to_decide is not None:
        text += f" (about {accuracy.pictures_to_decide} pictures would decide)"
    detail = f"drop {100 * accuracy.drop:+.2f} pp, at most {100 * accuracy.upper:.2f}; p = {accuracy.p_value:.2g}"
    return f'{escape(text)}<br><span class="note">{escape(detail)}</span>'
