"""Two bundles on the same clips, paired: which true intervals only one found, whose false alarms the other spares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edge_resnet.statistics import mcnemar
from runtime.backtest.judged import Judged
from runtime.backtest.truth import Interval


@dataclass(frozen=True)
class Comparison:
    """An alarm by two bundles. Intervals come with their clip's name.

    `p_found`: McNemar's exact test on the intervals that only one found; `p_false`: the exact test that both raise
    false alarms equally often, on the same video (binomial with one half, conditional on their sum).
    """

    alarm: str
    intervals: int
    found_by_both: int
    only_first: tuple[tuple[str, Interval], ...]
    only_second: tuple[tuple[str, Interval], ...]
    false_first: int
    false_second: int

    @property
    def p_found(self) -> float:
        return mcnemar(len(self.only_first), len(self.only_second))

    @property
    def p_false(self) -> float:
        return mcnemar(self.false_first, self.false_second)

    def to_json(self) -> dict[str, Any]:
        """For reports."""
        return {
            "alarm": self.alarm,
            "intervals": self.intervals,
            "found_by_both": self.found_by_both,
            "only_first": [_interval(*each) for each in self.only_first],
            "only_second": [_interval(*each) for each in self.only_second],
            "p_found": self.p_found,
            "false_first": self.false_first,
            "false_second": self.false_second,
            "p_false": self.p_false,
        }


def compare(alarm: str, first: Sequence[Judged], second: Sequence[Judged]) -> Comparison:
    """An alarm that both bundles have, on the same clips in the same order."""
    only_first, only_second = [], []
    both = intervals = 0
    for one, other in zip(first, second, strict=True):
        # The same truth, but each alarm may have classes of its own.
        theirs = dict(zip(other.footage.truth[alarm], other.found(alarm), strict=True))
        for interval, found in zip(one.footage.truth[alarm], one.found(alarm), strict=True):
            if interval not in theirs:
                continue
            intervals += 1
            both += found and theirs[interval]
            if found and not theirs[interval]:
                only_first.append((one.footage.name, interval))
            elif theirs[interval] and not found:
                only_second.append((one.footage.name, interval))
    return Comparison(
        alarm,
        intervals,
        both,
        tuple(only_first),
        tuple(only_second),
        sum(each.tally(alarm).false for each in first),
        sum(each.tally(alarm).false for each in second),
    )


def told(comparison: Comparison) -> list[str]:
    """A comparison in lines for people."""
    each = comparison
    lines = [
        f"{each.alarm}: of {each.intervals} intervals both bundles find {each.found_by_both}, only the first "
        f"{len(each.only_first)}, only the second {len(each.only_second)} (McNemar's exact p {each.p_found:.2g}), "
        f"false alarms {each.false_first} and {each.false_second} (p {each.p_false:.2g})"
    ]
    for which, only in (("first", each.only_first), ("second", each.only_second)):
        lines += [
            f"  only the {which}: {clip}, {interval.label} {interval.start_s:g} to {interval.end_s:g} s"
            for clip, interval in only
        ]
    return lines


def _interval(clip: str, interval: Interval) -> dict[str, Any]:
    return {"clip": clip, "class": interval.label, "start_s": interval.start_s, "end_s": interval.end_s}
