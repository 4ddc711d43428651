"""The course of the benchmark: what is shown, who is tried with how many cameras, in turns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

from benchmarks.cameras import excerpts, results
from benchmarks.cameras.material import Material
from benchmarks.cameras.pieces import FPS, Encoding, Pieces
from benchmarks.cameras.quiet import quiet_picture
from benchmarks.cameras.results import Baseline
from benchmarks.cameras.search import Search
from benchmarks.cameras.systems import FULL, LADDER, System
from benchmarks.cameras.timeline import Scenery
from benchmarks.cameras.trial import Stand, Trial
from edge_resnet.bundle import Bundle
from edge_resnet.errors import UserError

SIZES = {"main": (1920, 1080), "sub": (640, 360)}
# Few enough that full decoding never has to wait, on a small box too.
_BASELINE_CAMERAS = 2
# More than any peer can watch on the box that this is made for: classifying every frame, and samples.
_SATURATING, _SATURATING_SAMPLES = 2, 8
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How much is tried. `alarming`, `moving`: excerpts at most. `ladder_first`: where the search with the ladder
    begins; `most`: cameras. `peer_s`: None for a search with peers, too; else there is one trial of each, of so many
    seconds, with more cameras than it can watch, and none of full decoding but the first. `until_s`: no other trial
    with the ladder begins after so many seconds. `quiet_s`: the quiet piece, which comes again and again; no sensor's
    noise does, so a camera that shows nothing else counts as frozen after a while, which costs it no looks.
    """

    seconds: float
    settle_s: float
    alarming: int
    moving: int
    ladder_first: int = 8
    most: int = 256
    peer_s: float | None = None
    until_s: float = float("inf")
    quiet_s: int = 120


def scenery(material: Material, bundle: Bundle, encoding: Encoding, cache: Path, plan: Plan) -> Scenery:
    """What there is to show, encoded. Raises UserError."""
    alarming = excerpts.alarming(material.clips, material.truth, bundle.model.alarms, plan.alarming)
    moving = excerpts.moving(material.clips, material.truth, plan.moving)
    pieces = Pieces(cache, encoding, quiet_picture(material.place, material.quiet, bundle))
    return Scenery(
        quiet=pieces.quiet(plan.quiet_s),
        alarming=tuple(pieces.spliced(each, number) for number, each in enumerate(alarming)),
        moving=tuple(pieces.spliced(each, number) for number, each in enumerate(moving)),
    )


class Course:
    """All trials of one way that cameras send; of more or fewer that show an excerpt."""

    def __init__(
        self, systems: Sequence[System], shown: Scenery, plan: Plan, folder: Path, say: Say, began_s: float
    ) -> None:
        """`systems`: both of ours, and the peers. `folder`: for what programs write. `say` is told how it goes.

        `began_s`: when the whole of it began, on time.monotonic().
        """
        self._systems, self._scenery, self._plan, self._folder, self._say = systems, shown, plan, folder, say
        self._began_s = began_s
        # Trials that are not made for each share. Peers are: to them all pictures are the same, but what a machine
        # gives a virtual one differs by a fifth from one quarter of an hour to the next.
        self._once: dict[str, list[Trial]] = {}

    def baseline(self) -> Baseline:
        """What full decoding raises. Raises UserError where that is nothing, or too much for this box."""
        full = next(each for each in self._systems if each.name == FULL)
        trial = self._tried(full, _BASELINE_CAMERAS, Stand(self._scenery, 1.0, None, self._plan.settle_s, self._folder))
        if not trial.passed:
            raise UserError(f"full decoding of {_BASELINE_CAMERAS} cameras is too much here: {'; '.join(trial.why)}")
        found = Baseline.of(trial)
        if not found.raised:
            raise UserError("full decoding raises none of the spliced alarms; name clips that fit the bundle: --clips")
        if self._plan.peer_s is not None:
            self._once[FULL] = [trial]
        return found

    def setting(self, share: float, baseline: Baseline) -> dict[str, Any]:
        """The answer for such a share of cameras that show an excerpt."""
        stand = Stand(self._scenery, share, self._plan.seconds, self._plan.settle_s, self._folder, baseline.raised)
        searches = {each.name: self._search(each) for each in self._systems if each.name not in self._once}
        trials: dict[str, list[Trial]] = {name: [] for name in searches}
        while waiting := [each for each in self._systems if self._goes_on(each, searches, trials)]:
            for system in waiting:
                search = searches[system.name]
                assert search.cameras is not None
                try:
                    trial = self._tried(system, search.cameras, self._stand_of(system, stand))
                except RuntimeError as error:
                    # What the others showed until now is not to be lost.
                    self._say(f"{system.name}: left out, {error}")
                    del searches[system.name]
                    continue
                search.tell(trial.cameras, trial.passed)
                trials[system.name].append(trial)
        return {"share": share, **results.setting(self._systems, {**trials, **self._once}, baseline)}

    def _stand_of(self, system: System, stand: Stand) -> Stand:
        seconds = self._plan.peer_s if system.is_peer else None
        return stand if seconds is None else replace(stand, seconds=seconds)

    def _search(self, system: System) -> Search:
        if system.is_peer and self._plan.peer_s is not None:
            return Search(_SATURATING if system.wanted_per_s == FPS else _SATURATING_SAMPLES, self._plan.most)
        return Search(self._plan.ladder_first if system.name == LADDER else 1, self._plan.most)

    def _goes_on(self, system: System, searches: Mapping[str, Search], trials: Mapping[str, Sequence[Trial]]) -> bool:
        if system.name not in searches or searches[system.name].cameras is None:
            return False
        enough = self._plan.peer_s is not None and system.name != LADDER
        late = monotonic() - self._began_s >= self._plan.until_s
        return not trials[system.name] or not (enough or late)

    def _tried(self, system: System, cameras: int, stand: Stand) -> Trial:
        trial = stand.trial(system, cameras)
        age = "" if trial.age_p99_s is None else f", p99 age {trial.age_p99_s:.2f} s"
        raised = sum(delay_s is not None for _, delay_s in trial.alarms)
        self._say(
            f"{trial.system}: {trial.cameras} cameras {'passed' if trial.passed else 'failed'}"
            f"{': ' if trial.why else ''}{'; '.join(trial.why)} ({trial.classified_per_s:g} frames a second{age}, "
            f"{raised} of {len(trial.alarms)} alarms, {trial.cores:.2f} cores, server {trial.server_cores:.2f}, "
            f"{trial.pss_mb:.0f} MB)"
        )
        return trial
