"""The course of the benchmark: what is shown, who is tried with how many cameras, in turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from benchmarks.cameras import excerpts, results
from benchmarks.cameras.pieces import FPS, Encoding, Pieces
from benchmarks.cameras.quiet import quiet_picture
from benchmarks.cameras.results import Baseline
from benchmarks.cameras.search import Search
from benchmarks.cameras.systems import FULL, LADDER, System
from benchmarks.cameras.timeline import Scenery
from benchmarks.cameras.trial import Stand, Trial
from edge_resnet.bundle import Bundle
from edge_resnet.errors import UserError
from runtime.backtest.clips import find_clips
from runtime.backtest.truth import read_truth

SIZES = {"main": (1920, 1080), "sub": (640, 360)}
# Few enough that full decoding never has to wait, on a small box too.
_BASELINE_CAMERAS = 2
# More than any peer can watch on the box that this is made for: classifying every frame, and samples.
_SATURATING, _SATURATING_SAMPLES = 2, 8
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How much is tried. `alarming`, `moving`: excerpts at most. `ladder_first`: where the search with the ladder
    begins; `most`: cameras. `saturated`: of every other program there is one trial, of peers with more cameras than they
    can watch. `until_s`: after so many seconds a search that knows a number ends with it.
    """

    seconds: float
    settle_s: float
    alarming: int
    moving: int
    ladder_first: int = 8
    most: int = 256
    saturated: bool = False
    until_s: float = float("inf")


def scenery(clips: Path, truth: Path, bundle: Bundle, encoding: Encoding, cache: Path, plan: Plan) -> Scenery:
    """What there is to show, encoded. Raises UserError."""
    found, known = find_clips(clips), read_truth(truth)
    alarming = excerpts.alarming(found, known, bundle.model.alarms, plan.alarming)
    moving = excerpts.moving(found, known, plan.moving)
    pieces = Pieces(cache, encoding, quiet_picture([clip for clip in found if not known.get(clip.name)], bundle))
    return Scenery(
        quiet=pieces.quiet(),
        alarming=tuple(pieces.spliced(each, number) for number, each in enumerate(alarming)),
        moving=tuple(pieces.spliced(each, number) for number, each in enumerate(moving)),
    )


class Course:
    """All trials of one way that cameras send; of more or fewer that show an excerpt."""

    def __init__(self, systems: Sequence[System], shown: Scenery, plan: Plan, folder: Path, say: Say) -> None:
        """`systems`: both of ours, and the peers. `folder`: for what programs write. `say` is told how it goes."""
        self._systems, self._scenery, self._plan, self._folder, self._say = systems, shown, plan, folder, say
        self._began_s = monotonic()
        self._of_peers: dict[str, list[Trial]] = {}

    def baseline(self) -> Baseline:
        """What full decoding raises. Raises UserError where that is nothing, or too much for this box."""
        full = next(each for each in self._systems if each.name == FULL)
        stand = Stand(self._scenery, 1.0, None, self._plan.settle_s, self._folder)
        trial = self._told(stand.trial(full, _BASELINE_CAMERAS, None))
        if not trial.passed:
            raise UserError(f"full decoding of {_BASELINE_CAMERAS} cameras is too much here: {'; '.join(trial.why)}")
        found = Baseline.of(trial)
        if not found.raised:
            raise UserError("full decoding raises none of the spliced alarms; name clips that fit the bundle: --clips")
        return found

    def setting(self, share: float, baseline: Baseline) -> dict[str, Any]:
        """The answer for such a share of cameras that show an excerpt."""
        stand = Stand(self._scenery, share, self._plan.seconds, self._plan.settle_s, self._folder)
        # To peers all pictures are the same: they are tried once.
        asked = [each for each in self._systems if each.name not in self._of_peers]
        trials: dict[str, list[Trial]] = {each.name: [] for each in asked}
        searches = {each.name: self._search(each) for each in asked}
        while waiting := [each for each in asked if self._goes_on(each, trials[each.name], searches[each.name])]:
            for system in waiting:
                search = searches[system.name]
                cameras = search.cameras
                assert cameras is not None
                trials[system.name].append(self._told(stand.trial(system, cameras, baseline.raised)))
                search.tell(cameras, trials[system.name][-1].passed)
        self._of_peers |= {each.name: trials[each.name] for each in asked if each.wanted_per_s is not None}
        return {"share": share, **results.setting(self._systems, {**self._of_peers, **trials}, baseline)}

    def _search(self, system: System) -> Search:
        if system.wanted_per_s is not None and self._plan.saturated:
            every = system.wanted_per_s == FPS
            return Search(_SATURATING if every else _SATURATING_SAMPLES, self._plan.most)
        return Search(self._plan.ladder_first if system.name == LADDER else 1, self._plan.most)

    def _goes_on(self, system: System, trials: Sequence[Trial], search: Search) -> bool:
        enough = bool(trials) and self._plan.saturated and system.name != LADDER
        late = bool(search.passed) and monotonic() - self._began_s >= self._plan.until_s
        return search.cameras is not None and not enough and not late

    def _told(self, trial: Trial) -> Trial:
        age = "" if trial.age_p99_s is None else f", p99 age {trial.age_p99_s:.2f} s"
        raised = sum(delay_s is not None for _, delay_s in trial.alarms)
        self._say(
            f"{trial.system}: {trial.cameras} cameras {'passed' if trial.passed else 'failed'}"
            f"{': ' if trial.why else ''}{'; '.join(trial.why)} ({trial.classified_per_s:g} frames a second{age}, "
            f"{raised} of {len(trial.alarms)} alarms, {trial.cores:.2f} cores, server {trial.server_cores:.2f}, "
            f"{trial.pss_mb:.0f} MB)"
        )
        return trial
