"""The table of a proof's rows, as HTML: first for who decides, then with all figures for who checks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from edge_resnet.verdict import AccuracyDrop
from export.parity.advice import Advice, accuracy_change
from export.parity.precision import PrecisionProof
from export.parity.row import ALL_PRECISIONS, Row, engine_name

_TONES = {"pass": "good", "ship": "good", "baseline": "good", "fail": "bad", "do not ship": "bad", "shown": "good"}
_NOTHING = "–"
_HEAD = "Engine,Precision,Verdict,Speed,Same answers,Accuracy,Precision shown"
_FIGURES = "Row,Pictures,Largest |Δ logit|,Cosine,KL in nats,Map off,Calibration error,Accuracy,McNemar,Drop at most"


def table(rows: Sequence[tuple[Row, Advice]]) -> str:
    """A line for each row with its advice: what it is, whether it holds, what it brings."""
    heads = "".join(f"<th>{head}" for head in _HEAD.split(","))
    lines = "\n".join(_line(row, advice) for row, advice in rows)
    return f'<table class="rows"><thead><tr>{heads}</tr></thead><tbody>\n{lines}\n</tbody></table>'


def details(rows: Sequence[Row]) -> str:
    """Everything that was measured, folded away."""
    first, *others = _FIGURES.split(",")
    heads = f"<th>{first}" + "".join(f'<th class="number">{head}' for head in others)
    lines = "\n".join(_figures(row) for row in rows if row.result is not None and row.result.figures is not None)
    folded = f"<table><thead><tr>{heads}</tr></thead><tbody>\n{lines}\n</tbody></table>"
    summary = "<summary>for who checks the proof</summary>"
    return f'<h2>All figures</h2><details>{summary}<div class="wide">{folded}</div></details>'


def _line(row: Row, advice: Advice) -> str:
    cells = (
        _with_note(engine_name(row.backend), _version(row)),
        escape(row.precision if row.precision == ALL_PRECISIONS else row.precision.upper()),
        _marked(row.verdict, _TONES.get(row.verdict, "open"), row.reason),
        _speed(row, advice),
        _same(row),
        _accuracy(row),
        _shown(row.proof),
    )
    labelled = zip(_HEAD.split(","), cells, strict=True)
    return "<tr>" + "".join(_cell(head, cell) for head, cell in labelled) + "</tr>"


def _cell(head: str, cell: str) -> str:
    empty = ' class="empty"' if cell == _NOTHING else ""
    return f'<td data-label="{head}"{empty}><div>{cell}</div>'


def _with_note(text: str, note: str) -> str:
    return escape(text) + (f'<br><span class="note">{escape(note)}</span>' if note else "")


def _marked(text: str, tone: str, note: str = "") -> str:
    return f'<span class="mark {tone}">{escape(text)}</span>' + (
        f'<br><span class="note">{escape(note)}</span>' if note else ""
    )


def _version(row: Row) -> str:
    return "" if row.description is None else f"{row.description.version}, {row.description.device}"


def _speed(row: Row, advice: Advice) -> str:
    if row.speed is None:
        return _NOTHING
    decision = advice.decision
    mark = f'<br><span class="{_TONES.get(decision, "open")}">{escape(decision)}</span>'
    spread = f"{row.speed.milliseconds:.1f} ms; {row.speed.slowest:.2f} to {row.speed.fastest:.2f} by round"
    return _with_note(f"{row.speed.ratio:.2f}x", spread) + mark


def _same(row: Row) -> str:
    if row.result is None or row.result.figures is None:
        return _NOTHING
    figures = row.result.figures
    low, high = figures.agreement_interval
    note = f"{figures.n - figures.changed} of {figures.n}; 95%: {100 * low:.2f} to {100 * high:.2f}"
    return _with_note(f"{100 * figures.agreement:.2f}%", note)


def _accuracy(row: Row) -> str:
    if row.result is None or row.result.figures is None:
        return _NOTHING
    accuracy = row.result.accuracy
    if accuracy is None:
        return '<span class="note">no labels</span>'
    return _with_note(f"{100 * accuracy.candidate:.2f}%", accuracy_change(accuracy, row.result.figures.n))


def _shown(proof: PrecisionProof | None) -> str:
    if proof is None:
        return _NOTHING
    state, _colon, told = str(proof).partition(": ")
    return _marked(state, _TONES.get(state, "bad" if state == "not shown" else "open"), told)


def _figures(row: Row) -> str:
    result = row.result
    assert result is not None
    assert result.figures is not None
    figures = result.figures
    shift = result.calibration
    numbers = [
        str(figures.n),
        f"{figures.max_difference:.2e}",
        f"{figures.cosine:.7f}",
        f"{figures.kl_nats:.2e}",
        _NOTHING if figures.map_difference is None else f"{figures.map_difference:.1e}",
        _NOTHING if shift is None else f"{100 * shift.reference:.2f}% → {100 * shift.candidate:.2f}%",
        *_paired(result.accuracy),
    ]
    return f"<tr><td>{escape(row.name)}" + "".join(f'<td class="number">{number}' for number in numbers) + "</tr>"


def _paired(accuracy: AccuracyDrop | None) -> Sequence[str]:
    if accuracy is None:
        return (_NOTHING,) * 3
    both = f"{100 * accuracy.reference:.2f}% → {100 * accuracy.candidate:.2f}%"
    return both, f"p = {accuracy.p_value:.2g}", f"{100 * accuracy.upper:.2f} pp"
