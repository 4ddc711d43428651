"""What follows from trials: how many cameras each program can watch, how many times as many ours can, and recall."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.cameras.systems import FULL, LADDER, LOOP, SAMPLING, System, peer_name
from benchmarks.cameras.trial import Trial

_BASELINES = {"ratio_every_frame": peer_name(LOOP, 1), "ratio_sampling": peer_name(LOOP, SAMPLING)}


@dataclass(frozen=True)
class Baseline:
    """What full decoding raises: of each excerpt how long after its onset, in seconds; None for never."""

    delays_s: Mapping[str, float | None]

    @classmethod
    def of(cls, trial: Trial) -> Baseline:
        """From a trial in which each excerpt was shown, and the box had nothing else to do."""
        found: dict[str, list[float]] = {each.excerpt: [] for each, _ in trial.alarms}
        for each, delay_s in trial.alarms:
            if delay_s is not None:
                found[each.excerpt].append(delay_s)
        return cls({name: statistics.median(delays) if delays else None for name, delays in found.items()})

    @property
    def raised(self) -> frozenset[str]:
        """The excerpts whose alarm it raises."""
        return frozenset(name for name, delay_s in self.delays_s.items() if delay_s is not None)


def capacity(system: System, trials: Sequence[Trial]) -> float:
    """How many cameras a program can watch. Of ours the most that passed.

    Of a peer, too, or what it classified where it failed, in cameras: frames a second over those wanted of one camera.
    """
    passed = max((float(each.cameras) for each in trials if each.passed), default=0.0)
    if system.wanted_per_s is None:
        return passed
    managed = (each.classified_per_s / system.wanted_per_s for each in trials if not each.passed)
    return max(passed, *managed, 0.0)


def ratios(capacities: Mapping[str, float]) -> dict[str, float | None]:
    """How many times as many cameras ours with the ladder watches as each other program; None where that is unknown."""
    ladder = capacities.get(LADDER, 0.0)
    return {
        name: round(ladder / each, 2) if each else None
        for name, each in capacities.items()
        if name not in (LADDER, FULL)
    }


def recall(trials: Sequence[Trial], baseline: Baseline) -> dict[str, Any]:
    """Of all that was spliced in, the share that was raised, and that full decoding raises of the same; and of what
    both raise, how much later it was told (the median, seconds).
    """
    alarms = [alarm for trial in trials for alarm in trial.alarms]
    full = [baseline.delays_s.get(each.excerpt) for each, _ in alarms]
    later = [
        ours_s - full_s
        for (_, ours_s), full_s in zip(alarms, full, strict=True)
        if ours_s is not None and full_s is not None
    ]
    both = sum(full_s is not None for full_s in full)
    return {
        "spliced": len(alarms),
        "recall": _share(sum(ours_s is not None for _, ours_s in alarms), len(alarms)),
        "recall_full": _share(both, len(alarms)),
        "recall_of_full": _share(len(later), both),
        "extra_delay_s": round(statistics.median(later), 2) if later else None,
        "other_alarms": sum(trial.others for trial in trials),
    }


def judged_by(trials: Sequence[Trial]) -> list[Trial]:
    """The trials whose recall counts, passed or failed: of no more cameras than the box kept up with, or of the fewest.

    Were they chosen by their alarms, as the capacity is, none could show that one was missed.
    """
    fewest = min((each.cameras for each in trials), default=0)
    most = max((each.cameras for each in trials if each.kept_up), default=fewest)
    return [each for each in trials if each.cameras <= most]


def at_capacity(trials: Sequence[Trial]) -> list[Trial]:
    """The trial with the most cameras that passed, so that it raised all that was due; none where none passed."""
    return sorted((each for each in trials if each.passed), key=lambda each: each.cameras)[-1:]


def mb_a_camera(trials: Sequence[Trial]) -> float | None:
    """Memory (PSS) of one more camera, in MB: the slope over the number of cameras."""
    if len({each.cameras for each in trials}) < 2:
        return None
    return round(float(np.polyfit([each.cameras for each in trials], [each.pss_mb for each in trials], 1)[0]), 2)


def described(trial: Trial) -> dict[str, Any]:
    """A trial for --json."""
    numbers = {
        "age_p50_s": trial.age_p50_s,
        "age_p99_s": trial.age_p99_s,
        "longest_gap_s": trial.longest_gap_s,
        "cores": trial.cores,
        "server_cores": trial.server_cores,
        "pss_mb": trial.pss_mb,
        "overloaded": trial.overloaded,
    }
    return {
        "cameras": trial.cameras,
        "passed": trial.passed,
        "kept_up": trial.kept_up,
        "why": list(trial.why),
        "seconds": trial.seconds,
        "classified_per_s": trial.classified_per_s,
        **{name: None if value is None else round(value, 3) for name, value in numbers.items()},
        "cores_by_stage": {name: round(value, 4) for name, value in trial.stages.items()},
        "threads": trial.threads,
        "missed_frames": trial.missed,
        "spliced": len(trial.alarms),
        "raised": sum(delay_s is not None for _, delay_s in trial.alarms),
        "other_alarms": trial.others,
    }


def setting(systems: Sequence[System], trials: Mapping[str, Sequence[Trial]], baseline: Baseline) -> dict[str, Any]:
    """The answer for one setting of cameras."""
    capacities = {each.name: round(capacity(each, trials[each.name]), 2) for each in systems if trials[each.name]}
    against = ratios(capacities)
    ours = trials[LADDER]
    told = recall(at_capacity(ours), baseline)
    return {
        "cameras": int(capacities.get(LADDER, 0)),
        # Nothing failed: it may be more.
        "at_least": bool(ours) and all(each.passed for each in ours),
        **{key: against.get(name) for key, name in _BASELINES.items()},
        **recall(judged_by(ours), baseline),
        **{f"{key}_at_capacity": told[key] for key in ("spliced", "recall", "recall_full")},
        "capacities": capacities,
        "ratios": against,
        "mb_a_camera": mb_a_camera(ours),
        "full_delays_s": {name: None if each is None else round(each, 2) for name, each in baseline.delays_s.items()},
        "trials": {name: [described(each) for each in found] for name, found in trials.items()},
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
