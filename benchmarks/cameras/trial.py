"""One trial: so many cameras are sent, one program watches them, and what it took and what it saw is written down."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.cameras import evidence
from benchmarks.cameras.evidence import Spliced
from benchmarks.cameras.pieces import FPS
from benchmarks.cameras.program import Program, Usage
from benchmarks.cameras.systems import System
from benchmarks.cameras.timeline import Scenery, Showing, plays, showings
from runtime.backtest.truth import Span
from runtime.config.settings import CameraSettings

# A timeline is long enough for any window after a slow start; then it begins anew.
_TIMELINE_S = 1800.0
_COMES_WITHIN_S = 90.0
_WEIGH_EVERY_S = 5.0
_HEARTBEAT_S: float = CameraSettings.model_fields["heartbeat"].default
MOST_AGE_S = 1.0
MOST_GAP_S = _HEARTBEAT_S + 1.0
# Some frames of a window lie on its edge, and timers are not exact.
KEPT_UP = 0.95
# How many of the times that it was asked ours may say that it is overloaded: a start in the middle of a burst is none.
MOST_OVERLOADED = 0.1
_MEGA = 1e6


@dataclass(frozen=True)
class Trial:
    """What came of it. `classified_per_s`: frames, of all cameras together. `cores`: CPU seconds of the program in a
    second, `server_cores`: of the cameras. `stages`: the program's by stage, empty where it does not tell. `alarms`:
    what was spliced in, each with how long after its onset it was told. `others`: alarms where nothing was spliced in.
    `overloaded`: the share of time in which ours says so. `missed`: frames that were sent and not taken. `behind`: by
    what the box did not keep up. `silent`: the excerpts whose alarm was due and was not raised.
    """

    system: str
    cameras: int
    seconds: float
    classified_per_s: float
    age_p50_s: float | None
    age_p99_s: float | None
    longest_gap_s: float | None
    cores: float
    server_cores: float
    stages: Mapping[str, float]
    pss_mb: float
    threads: int
    alarms: tuple[tuple[Spliced, float | None], ...]
    others: int
    overloaded: float
    missed: int
    behind: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()

    @property
    def kept_up(self) -> bool:
        """Whether all was well but the alarms, of which this says nothing."""
        return not self.behind

    @property
    def why(self) -> tuple[str, ...]:
        """What it did not pass by."""
        return (*self.behind, *([f"not raised: {', '.join(self.silent)}"] if self.silent else []))

    @property
    def passed(self) -> bool:
        return not self.why


@dataclass(frozen=True)
class Stand:
    """Where trials take place. `share`: of the cameras that show an excerpt. `settle_s`: from when all cameras were
    seen once to the window of `seconds`; None for a window in which each excerpt is shown once. `due`: the excerpts
    whose alarm has to be raised.
    """

    scenery: Scenery
    share: float
    seconds: float | None
    settle_s: float
    folder: Path
    due: frozenset[str] = frozenset()

    def trial(self, system: System, cameras: int) -> Trial:
        """Let a program watch so many cameras. Raises ProgramError when a program fails."""
        folder = self.folder / f"{time.monotonic_ns()}"
        folder.mkdir(parents=True)
        frames = round(FPS * _TIMELINE_S)
        shown = showings(self.scenery, cameras, self.share, frames)
        settings = folder / "server.json"
        settings.write_text(json.dumps(_sent(self.scenery, cameras, shown, frames)))
        names = [system.names(number) for number in range(cameras)]
        command = [sys.executable, "-m", "benchmarks.cameras.server", str(settings)]
        with Program(command, folder / "server.log") as server:
            server.until(lambda: bool(server.lines), _COMES_WITHIN_S)
            port, zero_s = server.lines[0]["port"], server.lines[0]["zero_s"]
            urls = [f"rtsp://127.0.0.1:{port}/{_name(number)}" for number in range(cameras)]
            alarms = evidence.spliced(shown, zero_s)
            with Program(system.command(urls, folder), folder / "program.log") as program:
                # Cameras that do not come are found in the window, as those that are not looked at.
                program.until(lambda: _seen(program, names), _COMES_WITHIN_S)
                program.until(lambda: False, self.settle_s)
                watched = self._watch(program, server, alarms)
        missed = server.lines[-1].get("missed", 0)
        return _judged(system, names, alarms, program.lines, watched, missed, self.due)

    def _watch(self, program: Program, server: Program, alarms: Sequence[Spliced]) -> _Watched:
        """The window itself."""
        start_s = time.monotonic()
        end_s = evidence.shown_by(alarms, start_s) if self.seconds is None else start_s + self.seconds
        before, sent_before, told_before = program.usage(), server.usage(), _metrics(program)
        overloaded = []
        while (left_s := end_s - time.monotonic()) > 0.0:
            # Neither of them may end meanwhile.
            server.until(lambda: True, 0.0)
            program.until(lambda: False, min(left_s, _WEIGH_EVERY_S))
            overloaded.append(_metrics(program).get("edge_resnet_overloaded", 0.0))
        window = (start_s, time.monotonic())
        after, sent, told = program.usage(), server.usage(), _metrics(program)
        spent = {
            key.partition(":")[2]: (value - told_before.get(key, 0.0)) / (window[1] - window[0])
            for key, value in told.items()
            if ":" in key
        }
        return _Watched(window, before, after, sent_before, sent, spent, float(np.mean(overloaded)))


@dataclass(frozen=True)
class _Watched:
    window: Span
    before: Usage
    after: Usage
    sent_before: Usage
    sent: Usage
    stages: Mapping[str, float]
    overloaded: float


def _judged(
    system: System,
    names: Sequence[str],
    alarms: Sequence[Spliced],
    lines: Sequence[Mapping[str, Any]],
    watched: _Watched,
    missed: int,
    due: frozenset[str],
) -> Trial:
    window, seconds = watched.window, watched.window[1] - watched.window[0]
    ages = evidence.ages_s(lines, window)
    judged = evidence.within(alarms, window)
    delays = [None] * len(judged) if system.is_peer else evidence.raised_after_s(judged, lines, names)
    found = Trial(
        system=system.name,
        cameras=len(names),
        seconds=round(seconds, 1),
        classified_per_s=round(evidence.classified(lines, window) / seconds, 2),
        age_p50_s=float(np.quantile(ages, 0.5)) if ages else None,
        age_p99_s=float(np.quantile(ages, 0.99)) if ages else None,
        longest_gap_s=None if system.is_peer else evidence.longest_gap_s(lines, names, window),
        cores=(watched.after.cpu_s - watched.before.cpu_s) / seconds,
        server_cores=(watched.sent.cpu_s - watched.sent_before.cpu_s) / seconds,
        stages=watched.stages,
        pss_mb=watched.after.pss_bytes / _MEGA,
        threads=watched.after.threads,
        alarms=tuple(zip(judged, delays, strict=True)),
        others=0 if system.is_peer else evidence.others(alarms, lines, names, window),
        overloaded=watched.overloaded,
        missed=missed,
    )
    silent = (each.excerpt for each, delay_s in found.alarms if delay_s is None and each.excerpt in due)
    return replace(found, behind=tuple(_behind(found, system)), silent=() if system.is_peer else tuple(silent))


def _behind(trial: Trial, system: System) -> Iterator[str]:
    """What shows that the box does not keep up; see the benchmark's own text."""
    if trial.age_p99_s is not None and trial.age_p99_s >= MOST_AGE_S:
        yield f"p99 age {trial.age_p99_s:.2f} s"
    if system.wanted_per_s is not None and trial.classified_per_s < KEPT_UP * trial.cameras * system.wanted_per_s:
        yield f"{trial.classified_per_s:g} frames a second"
    if trial.longest_gap_s is not None and trial.longest_gap_s > MOST_GAP_S:
        yield f"a camera without a look for {trial.longest_gap_s:.1f} s"
    if trial.overloaded > MOST_OVERLOADED:
        yield f"overloaded {trial.overloaded:.0%} of the time"


def _seen(program: Program, names: Sequence[str]) -> bool:
    """Whether a frame of each camera was classified."""
    return {line["camera"] for line in list(program.lines)} >= set(names)


def _name(number: int) -> str:
    return f"c{number:03d}"


def _sent(scenery: Scenery, cameras: int, shown: Sequence[Showing], frames: int) -> dict[str, Any]:
    """The settings of the server."""
    return {
        "fps": FPS,
        "cameras": [
            {
                "name": _name(number),
                "plays": [
                    (str(each.piece.path.resolve()), each.first, each.frames)
                    for each in plays(scenery, number, cameras, shown, frames)
                ],
            }
            for number in range(cameras)
        ],
    }


def _metrics(program: Program) -> dict[str, float]:
    """What ours says of itself, CPU seconds as cpu:STAGE; nothing of a program that has no such port."""
    told = [json.loads(line) for line in program.log.splitlines() if line.startswith('{"') and '"listening"' in line]
    port = next((each["port"] for each in told if each.get("event") == "listening"), None)
    if port is None:
        return {}
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "edge_resnet_cpu_seconds_total":
                found[f"cpu:{sample.labels['stage']}"] = sample.value
            elif sample.name == "edge_resnet_overloaded":
                found[sample.name] = sample.value
    return found
