"""A share of pictures: so many of so many, and the range in which the true share lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edge_resnet.statistics import wilson


@dataclass(frozen=True)
class Share:
    """`part` of `n` pictures."""

    part: int
    n: int

    @property
    def value(self) -> float | None:
        """0..1; None of no picture."""
        return self.part / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95% interval."""
        return wilson(self.part, self.n)

    def to_json(self) -> dict[str, Any]:
        """For report.json."""
        return {"part": self.part, "n": self.n, "share": self.value, "interval_95": list(self.interval)}

    def __str__(self) -> str:
        return "–" if self.value is None else f"{self.value:.1%}"

    @property
    def range(self) -> str:
        """The interval in words; empty of no picture."""
        low, high = self.interval
        return f"{low:.1%} to {high:.1%}" if self.n else ""
