"""Who shows what, and when: excerpts go round the cameras, and all others show the quiet piece.

At any moment a share of the cameras (one at least) shows an excerpt. Each of these places goes round some cameras, so
that a camera that was quiet has to wake up for each alarm. Where a camera's turn comes before its last alarm can be
over, it shows an excerpt in which something moves, but for which nothing is raised.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

from benchmarks.cameras.pieces import FPS, GOP, Piece
from runtime.rule_settings import RuleSettings

# An alarm is over after its quiet, and nothing is raised in the cooldown after that; the rest is for late looks.
REST = round(FPS * (RuleSettings.quiet_s + RuleSettings.cooldown_s + 1.0))
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True)
class Scenery:
    """What there is to show: the quiet piece, pieces in which an alarm is to be raised, and others in which much moves.

    All are whole groups of pictures long.
    """

    quiet: Piece
    alarming: tuple[Piece, ...]
    moving: tuple[Piece, ...]


@dataclass(frozen=True)
class Showing:
    """A camera shows a spliced piece from its frame number `first` on."""

    camera: int
    piece: Piece
    first: int

    @property
    def end(self) -> int:
        """The frame after its last."""
        return self.first + self.piece.frames


@dataclass(frozen=True)
class Play:
    """So many frames of a piece, from number `first` of it on."""

    piece: Piece
    first: int
    frames: int


def phases(cameras: int) -> list[int]:
    """How far into a group of pictures each camera is at the begin.

    By the golden ratio: they are spread over the time of a group, and over the time between two looks too, which is a
    part of it. Cameras have nothing in common.
    """
    return [int(camera * _GOLDEN % 1.0 * GOP) for camera in range(cameras)]


def showings(scenery: Scenery, cameras: int, share: float, frames: int) -> list[Showing]:
    """What is spliced in within so many frames, in the order of its begin."""
    places = max(1, round(share * cameras))
    rounds = [cycle(range(place * cameras // places, (place + 1) * cameras // places)) for place in range(places)]
    alarming, moving = cycle(scenery.alarming), cycle(scenery.moving or (None,))
    beats, free, rested = phases(cameras), [0] * cameras, [0] * cameras
    found: list[Showing] = []
    waiting = [(place * GOP // places, place) for place in range(places)]
    while waiting and waiting[0][0] < frames:
        now, place = heapq.heappop(waiting)
        camera = next(rounds[place])
        first = max(free[camera], _on_beat(now, beats[camera]))
        piece = next(alarming) if first >= rested[camera] else next(moving)
        if piece is None:
            # Nothing that moves is at hand: the place rests for a group of pictures.
            heapq.heappush(waiting, (now + GOP, place))
            continue
        found.append(Showing(camera, piece, first))
        free[camera] = found[-1].end
        if piece.excerpt is not None and piece.excerpt.alarm is not None:
            rested[camera] = found[-1].end + REST
        heapq.heappush(waiting, (found[-1].end, place))
    return sorted(found, key=lambda each: each.first)


def plays(scenery: Scenery, camera: int, cameras: int, shown: Sequence[Showing], frames: int) -> list[Play]:
    """All that one camera sends in so many frames, or some more: it ends with a whole group of pictures."""
    quiet, phase = scenery.quiet, phases(cameras)[camera]
    sent: list[Play] = []
    now = -phase
    for each in [*(each for each in shown if each.camera == camera), None]:
        until = each.first if each is not None else max(now, GOP * -(-(frames + phase) // GOP) - phase)
        sent += _quiet(quiet, until - now)
        if each is not None:
            sent.append(Play(each.piece, 0, each.piece.frames))
            until = each.end
        now = until
    return list(_without_begin(sent, phase))


def _quiet(piece: Piece, frames: int) -> Iterator[Play]:
    for begin in range(0, frames, piece.frames):
        yield Play(piece, 0, min(piece.frames, frames - begin))


def _without_begin(sent: Sequence[Play], frames: int) -> Iterator[Play]:
    """Leave out the first frames, which are less than a group."""
    for each in sent:
        cut = min(frames, each.frames)
        frames -= cut
        if cut < each.frames:
            yield Play(each.piece, each.first + cut, each.frames - cut)


def _on_beat(frame: int, phase: int) -> int:
    """The frame nearest to `frame` at which a camera with this phase sends a key frame; never before 0."""
    nearest = GOP * round((frame + phase) / GOP) - phase
    return nearest if nearest >= 0 else nearest + GOP
