"""A budget of false alarms, and what it takes to show that a rule keeps it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from edge_resnet.errors import UserError
from edge_resnet.statistics import DOUBT, poisson_tail, poisson_upper
from runtime.backtest.tally import DAY_S, Tally

_TEXT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*/\s*([a-z]+)")
_DAYS = {"hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 30.0}
_MINUTE_S, _HOUR_S = 60.0, 3600.0


@dataclass(frozen=True)
class Budget:
    """So many false alarms of one alarm at one camera, as `text` says it, are `per_day`."""

    text: str
    per_day: float

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Of a text such as 1/week. Raises UserError."""
        found = _TEXT.fullmatch(text.strip().lower())
        if found is None or found[2] not in _DAYS or not float(found[1]) > 0.0:
            raise UserError(f"--budget {text}: write how many false alarms, and in what time: 1/week, 2/day, 0.5/hour")
        return cls(text.strip(), float(found[1]) / _DAYS[found[2]])

    def shown(self, tally: Tally) -> bool:
        """Whether the counts show that the budget is kept: the bound of the true rate is not over it."""
        # With just the budget's rate, so few would be counted by chance too rarely. This is faster than the bound.
        return poisson_tail(tally.false, self.per_day * tally.normal_s / DAY_S) <= DOUBT

    @property
    def needed_s(self) -> float:
        """So many seconds of normal video without a false alarm show that it is kept."""
        return poisson_upper(0) / self.per_day * DAY_S

    def refusal(self, normal_s: float) -> str | None:
        """Why no rule can be shown to keep it with so much normal video, were there no false alarm in it; else None."""
        nothing = Tally(normal_s=normal_s)
        if self.shown(nothing):
            return None
        most = "" if math.isinf(bound(nothing)) else f": the 95% upper bound is {_figure(bound(nothing))} a day"
        return (
            f"{self.text} cannot be told from {duration(normal_s)} of normal video{most}; it takes "
            f"{duration(self.needed_s)} without a false alarm"
        )


def bound(tally: Tally) -> float:
    """The exact one-sided 95% upper bound of false alarms in a day; infinite without normal video."""
    return poisson_upper(tally.false) / tally.normal_s * DAY_S if tally.normal_s else math.inf


def duration(seconds: float) -> str:
    """A length of video as a person would say it: 40 seconds, 3 minutes, 2.5 hours, 21 days."""
    for unit_s, name in ((2 * DAY_S, "days"), (2 * _HOUR_S, "hours"), (2 * _MINUTE_S, "minutes")):
        if seconds >= unit_s:
            return f"{_figure(2 * seconds / unit_s)} {name}"
    return f"{seconds:.0f} seconds"


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")
