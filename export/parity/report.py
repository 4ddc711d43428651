"""The report of a proof: all rows on the same pictures, and what was found beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from export.parity.advice import advise, recommend
from export.parity.drift import Drift
from export.parity.gallery import Gallery
from export.parity.row import ALL_PRECISIONS, Row


@dataclass(frozen=True)
class Report:
    """All rows on the same `n` frames. It passes when no row fails and fp32 ran on at least one engine.

    `labels`: the names of the classes. `gallery`: None when it was left out, since whoever gets the report may not see
    the pictures. `drift`: empty when there were no picture files to resize in other ways.
    """

    reference: str
    n: int
    rows: tuple[Row, ...]
    labels: tuple[str, ...] = ()
    gallery: Gallery | None = None
    drift: tuple[Drift, ...] = ()

    @property
    def passed(self) -> bool:
        verdicts = {(row.precision, row.verdict) for row in self.rows}
        return ("fp32", "pass") in verdicts and not any(verdict == "fail" for _precision, verdict in verdicts)

    @property
    def not_shown(self) -> tuple[str, ...]:
        """The precisions that no engine really ran here: their files are built, not run."""
        shown = {row.precision for row in self.rows if row.verdict == "pass"}
        return tuple(sorted({row.precision for row in self.rows} - shown - {ALL_PRECISIONS}))

    @property
    def recommendation(self) -> str:
        """What to do, in one sentence."""
        return recommend(self.rows)

    def to_json(self) -> dict[str, Any]:
        """The report as types of JSON."""
        return {
            "verdict": "pass" if self.passed else "fail",
            "recommendation": self.recommendation,
            "reference": self.reference,
            "n": self.n,
            "not_shown": list(self.not_shown),
            "rows": [
                {**row.to_json(self.labels), "decision": advice.decision, "in_words": advice.sentence}
                for row, advice in zip(self.rows, advise(self.rows), strict=True)
            ],
            "gallery": None if self.gallery is None else self.gallery.to_json(self.labels),
            "drift": [drift.to_json() for drift in self.drift],
        }
