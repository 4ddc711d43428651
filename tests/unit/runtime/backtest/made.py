"""Footage made by hand: five looks a second at one alarm, fire."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runtime.backtest.footage import Evidence, Footage
from runtime.backtest.truth import Interval, Span
from runtime.config.settings import ZoneSettings
from runtime.events.journal import Decider
from runtime.judge import Target

FIRE, RAMP = Target("fire"), Target("fire", "ramp")
CORNERS = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))
PERIOD_S = 0.2


def evidence(probabilities: Sequence[float], armed: Sequence[bool] | None = None) -> Evidence:
    n = len(probabilities)
    return Evidence(
        PERIOD_S * np.arange(n),
        np.array(probabilities, np.float64),
        ("fire",) * n,
        np.ones(n, np.bool_) if armed is None else np.array(armed, np.bool_),
    )


def scene(*parts: tuple[float, float]) -> list[float]:
    """Probabilities from (seconds, probability) each."""
    return [value for seconds, value in parts for _ in range(round(seconds / PERIOD_S))]


def footage(
    probabilities: Sequence[float],
    *intervals: tuple[float, float],
    name: str = "clip.mp4",
    unknown: Sequence[Span] = (),
    zone: ZoneSettings | None = None,
) -> Footage:
    """`zone`: where fire is judged, called ramp; None for the whole picture."""
    return Footage(
        name=name,
        watched=((0.0, PERIOD_S * len(probabilities)),),
        evidence={FIRE if zone is None else RAMP: evidence(probabilities)},
        truth={"fire": tuple(Interval(start_s, end_s, "fire") for start_s, end_s in intervals)},
        decider=Decider("0" * 64, "opencv", "fp32"),
        unknown={"fire": tuple(unknown)},
        zones={} if zone is None else {"ramp": zone},
    )
