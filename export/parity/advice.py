"""What to do with the proof, in words: a sentence for each row, and one recommendation.

Precisions are gone through from the most to the least exact (fp32, fp16, bf16, int8). The fastest FP32 that passes is
the baseline. A row of another precision is to `ship` when it passes and is at least WORTHWHILE times as fast as what
would be shipped of the more exact precisions; else the sentence says to `keep` that. A row that fails is not to be
shipped, and where nothing was measured nothing is chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edge_resnet.verdict import AccuracyDrop
from export.parity.row import Row

Decision = Literal["ship", "keep", "do not ship", "baseline", "open"]

EXACTNESS = ("fp32", "fp16", "bf16", "int8")
# A tenth faster is what remains in practice of a difference, and what a less exact answer must at least bring.
WORTHWHILE = 1.10


@dataclass(frozen=True)
class Advice:
    """What to do with a row, and the sentence that says so. `open`: it cannot be decided on this box."""

    decision: Decision
    sentence: str


def advise(rows: Sequence[Row]) -> tuple[Advice, ...]:
    """An advice for each row."""
    return tuple(_advise(row, rows) for row in rows)


def recommend(rows: Sequence[Row]) -> str:
    """One sentence on the whole: what to ship, and why."""
    if failed := [row for row in rows if row.verdict == "fail"]:
        who = f"{failed[0].name} fails" + (f", and {len(failed) - 1} more" if len(failed) > 1 else "")
        return f"Do not ship this bundle: {who} ({failed[0].reason})."
    if not any(row.precision == "fp32" and row.verdict == "pass" for row in rows):
        return "Do not ship this bundle: no engine here ran FP32 and passed."
    best = _chosen(rows, EXACTNESS)
    if best is None:
        return "Every answer that could be checked here holds. Speed was not measured, so no precision is recommended."
    if best.precision == "fp32":
        return f"Ship {best.name} ({_milliseconds(best)}): nothing less exact is at least {WORTHWHILE:.2f}x as fast."
    faster = f"{_speed_ratio(best):.2f}x the speed of {_base(best, rows)}"
    labelled = best.result is not None and best.result.accuracy is not None
    kept = f"accuracy {_answers(best)}" if labelled else _answers(best)
    return f"Ship {best.name} ({_milliseconds(best)}): {faster}, {kept}."


def _advise(row: Row, rows: Sequence[Row]) -> Advice:
    if row.verdict == "fail":
        return Advice("do not ship", f"{row.name}: do not ship: {row.reason}")
    if row.verdict == "emulated":
        return Advice(
            "open", f"{row.name}: emulated{_pictures(row)}; a device that has {row.precision.upper()} decides"
        )
    if row.verdict == "built, not run":
        return Advice("open", f"{row.name}: built, not run: prove it on the device it was built for")
    if row.verdict != "pass":
        return Advice("open", f"{row.name}: {row.verdict}")
    if row.speed is None:
        return Advice("open", f"{row.name}: {_answers(row)}: passes, speed not measured")
    told = f"{row.name}: {row.speed.ratio:.2f}x, {_answers(row)}"
    kept = _chosen(rows, _more_exact(row.precision) or (row.precision,))
    if kept is row:
        return Advice("baseline", f"{told}: the baseline")
    if kept is None or (kept.precision != row.precision and _worthwhile(row, kept)):
        return Advice("ship", f"{told}: ship")
    return Advice("keep", f"{told}: keep {kept.name}")


def _chosen(rows: Sequence[Row], precisions: Sequence[str]) -> Row | None:
    """What would be shipped if there were only these precisions, the most exact first; None when nothing was timed."""
    kept: Row | None = None
    for precision in precisions:
        timed = [row for row in rows if row.precision == precision and row.verdict == "pass" and row.speed is not None]
        fastest = max(timed, key=_speed_ratio, default=None)
        if fastest is not None and (kept is None or _worthwhile(fastest, kept)):
            kept = fastest
    return kept


def _worthwhile(row: Row, kept: Row) -> bool:
    return _speed_ratio(row) >= WORTHWHILE * _speed_ratio(kept)


def _speed_ratio(row: Row) -> float:
    return 0.0 if row.speed is None else row.speed.ratio


def _more_exact(precision: str) -> Sequence[str]:
    return EXACTNESS[: EXACTNESS.index(precision)]


def _base(row: Row, rows: Sequence[Row]) -> str:
    base = None if row.speed is None else row.speed.base
    return next((other.name for other in rows if (other.backend, other.precision) == base), "the fastest FP32")


def _milliseconds(row: Row) -> str:
    return "" if row.speed is None else f"{row.speed.milliseconds:.1f} ms a frame"


def _pictures(row: Row) -> str:
    return "" if row.result is None or row.result.figures is None else f" on {row.result.figures.n} pictures"


def _answers(row: Row) -> str:
    """Whether the answers stayed: the change of accuracy with labels, else the share of equal answers."""
    result = row.result
    if result is None or result.figures is None:
        return "no figures"
    if result.accuracy is None:
        return f"{100 * result.figures.agreement:.4g}% of answers equal"
    return accuracy_change(result.accuracy, result.figures.n)


def accuracy_change(accuracy: AccuracyDrop, n: int) -> str:
    """Such as `-0.2 pp (undecided at 0.5 pp: 225 of 600 pictures)`: the change in accuracy on `n` pictures."""
    points = round(-100 * accuracy.drop, 2) or 0.0
    change = f"{points:+.2f}".rstrip("0").rstrip(".") if points else "0"
    margin = f"{accuracy.non_inferiority} at {100 * accuracy.margin:.2g} pp"
    if accuracy.pictures_to_decide is not None:
        margin += f": {n} of {accuracy.pictures_to_decide} pictures"
    return f"{change} pp ({margin})"
