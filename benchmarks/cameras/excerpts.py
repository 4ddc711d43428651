"""Which parts of which clips are spliced into the cameras' pictures, and when something begins to be seen in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

import cv2

from edge_resnet.errors import UserError
from edge_resnet.manifest import AlarmSpec
from runtime.backtest.footage import of_alarms
from runtime.backtest.truth import Interval, Span
from runtime.sources.capture import stated_fps

# An alarm needs a window (2 s) of looks; the rest is room for a camera that sleeps.
LONGEST_S = 8.0
# Less says nothing of an alarm: its looks have to lie half a window apart.
LEAST_S = 2.0
# What is left of an episode is shown when it is so long: its last two seconds are no event that anybody waits for.
_LEAST_LEFT_S = 4.0
# What is normal before the beginning is spliced in with it, where the clip shows it.
BEFORE_S = 2.0
# Two intervals that are not so far apart are one episode for the rule, which holds its alarm for as long.
_ONE_EPISODE_S = 5.0
_MOST_FPS = 240.0


@dataclass(frozen=True)
class Excerpt:
    """From `start_s` to `end_s` of a clip. `alarm`: which is to be raised, None for none; what it is raised for is seen
    from `onset_s` of the excerpt on.
    """

    clip: Path
    start_s: float
    end_s: float
    alarm: str | None = None
    onset_s: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.clip.stem}@{self.start_s:g}"


def alarming(
    clips: Sequence[Path], truth: Mapping[str, Sequence[Interval]], alarms: Mapping[str, AlarmSpec], most: int
) -> list[Excerpt]:
    """At most so many excerpts in which an alarm is to be raised: the beginning of each episode first, of all clips in
    turn. Raises UserError where there is none.
    """
    episodes = [
        list(_parts(clip, alarm, span))
        for clip in clips
        for alarm, intervals in of_alarms(truth.get(clip.name, ()), alarms).items()
        for span in _merged(intervals)
    ]
    found = [each for each in chain(*zip_longest(*episodes)) if each is not None]
    if not found:
        raise UserError(
            f"{clips[0].parent if clips else 'no clips'}: nothing of the bundle's alarms ({', '.join(alarms)}) is seen "
            f"for {LEAST_S:g} s in these clips; name others with --clips"
        )
    return found[:most]


def moving(clips: Sequence[Path], truth: Mapping[str, Sequence[Interval]], most: int) -> list[Excerpt]:
    """At most so many excerpts of clips in which nothing of any class is to be seen, one a clip."""
    lengths_s = {clip: _seconds(clip) for clip in clips if not truth.get(clip.name)}
    return [Excerpt(clip, 0.0, min(LONGEST_S, each)) for clip, each in lengths_s.items() if each >= LEAST_S][:most]


def _merged(intervals: Sequence[Interval]) -> list[Span]:
    """Episodes: intervals with what lies close behind them."""
    spans: list[Span] = []
    for each in sorted(intervals, key=lambda each: each.start_s):
        if spans and each.start_s - spans[-1][1] < _ONE_EPISODE_S:
            spans[-1] = (spans[-1][0], max(spans[-1][1], each.end_s))
        else:
            spans.append((each.start_s, each.end_s))
    return spans


def _parts(clip: Path, alarm: str, span: Span) -> Iterator[Excerpt]:
    """An episode cut into excerpts: the first with what was before it, the others begin in the middle of it."""
    start_s, end_s = span
    before_s = min(BEFORE_S, start_s)
    least_s = LEAST_S
    while end_s - start_s >= least_s:
        until_s = min(end_s, start_s + LONGEST_S)
        yield Excerpt(clip, start_s - before_s, until_s, alarm, before_s)
        start_s, before_s, least_s = until_s, 0.0, _LEAST_LEFT_S


def _seconds(clip: Path) -> float:
    capture = cv2.VideoCapture(str(clip))
    frames = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    return max(0.0, frames) / stated_fps(capture, _MOST_FPS)
