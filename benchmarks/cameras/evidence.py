"""What a program showed of itself while it watched: how old the frames were that it classified, what it left unwatched,
and which of the spliced alarms it raised.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.cameras.pieces import FPS
from benchmarks.cameras.timeline import Showing
from runtime.backtest.truth import Span

# An alarm may be told so long after the excerpt is over, with the looks that it still had to come by.
_LATE_S = 3.0


@dataclass(frozen=True)
class Spliced:
    """An alarm that is to be raised at a camera. `first_s`: the splice begins; `onset_s`: its cause begins to be seen;
    `until_s`: it may be raised until then. Times are of time.monotonic().
    """

    camera: int
    alarm: str
    excerpt: str
    first_s: float
    onset_s: float
    until_s: float


def spliced(showings: Sequence[Showing], zero_s: float) -> list[Spliced]:
    """The alarms of a timeline whose frame 0 is due at `zero_s`."""
    return [
        Spliced(
            each.camera,
            each.piece.excerpt.alarm,
            each.piece.excerpt.name,
            zero_s + (each.first + each.piece.lead) / FPS,
            zero_s + (each.first + each.piece.onset) / FPS,
            zero_s + (each.first + each.piece.end) / FPS + _LATE_S,
        )
        for each in showings
        if each.piece.excerpt is not None and each.piece.excerpt.alarm is not None
    ]


def within(alarms: Sequence[Spliced], window: Span) -> list[Spliced]:
    """Those that can be judged by what was seen in a span of time."""
    return [each for each in alarms if window[0] <= each.first_s and each.until_s <= window[1]]


def shown_by(alarms: Sequence[Spliced], start_s: float) -> float:
    """When each excerpt has been shown once, counted from `start_s`. Raises ValueError when one never is."""
    wanted = {each.excerpt for each in alarms}
    ends: dict[str, float] = {}
    for each in sorted(within(alarms, (start_s, float("inf"))), key=lambda each: each.until_s):
        ends.setdefault(each.excerpt, each.until_s)
    if set(ends) != wanted:
        raise ValueError("the timeline is too short for all excerpts")
    return max(ends.values())


def ages_s(lines: Iterable[Mapping[str, Any]], window: Span) -> list[float]:
    """How long after its capture each frame of the window was classified, in seconds.

    `captured_s` says when it was captured. Of a program that only gives a stamp of the stream, the capture is reckoned
    as the runtime does: the frame of each camera that came soonest after its stamp has waited for nothing.
    """
    told = [line for line in lines if "alarm" not in line]
    soonest: dict[str, float] = {}
    for line in told:
        if line.get("stamp_s") is not None:
            late_s = line["at_s"] - line["stamp_s"]
            soonest[line["camera"]] = min(late_s, soonest.get(line["camera"], late_s))
    ages = []
    for line in told:
        if not window[0] <= line["at_s"] <= window[1]:
            continue
        if "captured_s" in line:
            ages.append(line["at_s"] - line["captured_s"])
        elif line["camera"] in soonest:
            ages.append(line["at_s"] - line["stamp_s"] - soonest[line["camera"]])
    return ages


def classified(lines: Iterable[Mapping[str, Any]], window: Span) -> int:
    """How many frames were classified in the window."""
    return sum("alarm" not in line and window[0] <= line["at_s"] <= window[1] for line in lines)


def longest_gap_s(lines: Iterable[Mapping[str, Any]], cameras: Sequence[str], window: Span) -> float:
    """The longest time within the window in which one camera was not looked at."""
    looked: defaultdict[str, list[float]] = defaultdict(list)
    for line in lines:
        if "alarm" not in line and window[0] <= line["at_s"] <= window[1]:
            looked[line["camera"]].append(line["at_s"])
    return max(float(np.diff([window[0], *sorted(looked[camera]), window[1]]).max()) for camera in cameras)


def raised_after_s(
    alarms: Sequence[Spliced], lines: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> list[float | None]:
    """For each spliced alarm how long after its onset it was told, in seconds; None for never.

    `names`: the cameras as the program calls them, by number. It may be told before its onset, which people mark to
    half a second, but not before the splice.
    """
    events: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for line in lines:
        if "alarm" in line:
            events[line["camera"], line["alarm"]].append(line["at_s"])
    return [
        next(
            (
                at_s - each.onset_s
                for at_s in sorted(events[names[each.camera], each.alarm])
                if each.first_s <= at_s <= each.until_s
            ),
            None,
        )
        for each in alarms
    ]


def others(alarms: Sequence[Spliced], lines: Sequence[Mapping[str, Any]], names: Sequence[str], window: Span) -> int:
    """How many alarms were raised in the window where none was spliced in."""
    return sum(
        "alarm" in line
        and window[0] <= line["at_s"] <= window[1]
        and not any(
            names[each.camera] == line["camera"]
            and each.alarm == line["alarm"]
            and each.first_s <= line["at_s"] <= each.until_s
            for each in alarms
        )
        for line in lines
    )
