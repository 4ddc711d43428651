"""A whole backtest, as a person asks for it: footage from clips or recorded scores, judged by today's rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edge_resnet.errors import UserError
from edge_resnet.manifest import ModelSpec
from edge_resnet.progress import Narrator
from runtime import trust
from runtime.backtest.cache import Cache, default_folder
from runtime.backtest.clips import TRUTH, Watcher, find_clips
from runtime.backtest.conditions import Conditions
from runtime.backtest.engine import Engine
from runtime.backtest.judged import Judged, total
from runtime.backtest.recorded import EVER, Recorded, read_camera_truth
from runtime.backtest.replay import replay
from runtime.backtest.sweep import Trial, sweep
from runtime.backtest.truth import TOLERANCE_S, Interval, read_truth
from runtime.events.store import EventStore
from runtime.opening import Opener, Wish, open_bundle
from runtime.rule_settings import RuleSettings


@dataclass(frozen=True)
class Job:
    """What is asked for; see the command line's help for each. Either `clips` or `recorded` is given.

    `since`: a moment (UTC, ISO 8601). `cache`: the folder of kept scores, None for the usual one.
    """

    bundle: Path
    clips: Path | None = None
    recorded: Path | None = None
    since: str = EVER
    truth: Path | None = None
    config: Path | None = None
    camera: str | None = None
    rate: float = 5.0
    wish: Wish = field(default_factory=Wish)
    cache: Path | None = None


@dataclass(frozen=True)
class Result:
    """All footage, judged. `ignored`: how many intervals of the truth are of classes that no alarm here has.

    `watched`: of how many clips the network had to look; the scores of the rest were kept. `left_out`: recorded looks
    of other models, or without a zone of now.
    """

    bundle: Path
    model: ModelSpec
    conditions: Conditions
    judged: tuple[Judged, ...]
    ignored: Mapping[str, int]
    watched: int = 0
    left_out: int = 0

    @property
    def alarms(self) -> tuple[str, ...]:
        """The alarms that were judged, in the bundle's order."""
        judged = {alarm for each in self.judged for alarm in each.footage.alarms}
        return tuple(alarm for alarm in self.model.alarms if alarm in judged)

    def rule(self, alarm: str) -> RuleSettings:
        """The rule that an alarm is judged by, but in zones that have thresholds of their own."""
        return self.conditions.rule(alarm, self.model.alarms[alarm])

    @property
    def zone_rules(self) -> dict[str, dict[str, RuleSettings]]:
        """By footage and target, the rules of zones that have thresholds of their own."""
        rules = {
            each.name: {
                str(target): rule
                for target in each.footage.evidence
                if (rule := each.footage.rule(target, self.rule(target.alarm))) != self.rule(target.alarm)
            }
            for each in self.judged
        }
        return {name: of for name, of in rules.items() if of}

    def try_rules(self, narrator: Narrator) -> dict[str, list[Trial]]:
        """By alarm, the rules of a grid and their counts, that of today first."""
        tried, footage = {}, [each.footage for each in self.judged]
        if kept := dict.fromkeys(target for of in self.zone_rules.values() for target in of):
            narrator.say(f"whatever is tried, zones keep thresholds of their own: {', '.join(kept)}")
        for alarm in self.alarms:
            with narrator.stage(f"trying rules for {alarm}") as step:
                tried[alarm] = sweep(alarm, self.rule(alarm), self.model.alarms[alarm], footage, step)
        return tried

    def to_json(self) -> dict[str, Any]:
        """What --json prints, first of all."""
        deciders = dict.fromkeys(each.footage.decider for each in self.judged)
        return {
            "bundle": str(self.bundle),
            "deciders": [asdict(decider) for decider in deciders],
            "tolerance_s": TOLERANCE_S,
            "seconds": round(sum(each.footage.seconds for each in self.judged), 3),
            "watched": self.watched,
            "left_out": self.left_out,
            "ignored": dict(self.ignored),
            "rules": {alarm: asdict(self.rule(alarm)) for alarm in self.alarms},
            "zone_rules": {
                name: {target: asdict(rule) for target, rule in of.items()} for name, of in self.zone_rules.items()
            },
            "alarms": {alarm: total(self.judged, alarm).to_json() for alarm in self.alarms},
            "clips": [each.to_json() for each in self.judged],
        }


def run(job: Job, narrator: Narrator) -> Result:
    """Do it. Raises UserError, and Stopped at Ctrl-C; the scores of the clips that were finished are kept."""
    return _on_clips(job, narrator) if job.recorded is None else _on_recorded(job, job.recorded, narrator)


def _on_clips(job: Job, narrator: Narrator) -> Result:
    assert job.clips is not None
    clips = find_clips(job.clips)
    truth = read_truth(_truth_of(job, job.clips))
    names = {clip.name for clip in clips}
    if missing := sorted(set(truth) - names):
        narrator.say(f"the truth names clips that are not here: {', '.join(missing)}")
    bundle = open_bundle(job.bundle, narrator.say)
    conditions = Conditions.read(job.config, bundle.model, job.camera, job.rate)
    with Engine(bundle, job.wish, narrator.say) as engine:
        cache = Cache(job.cache or default_folder(), narrator.say)
        watcher = Watcher(engine, conditions, cache, narrator.say)
        footage = watcher.footage(clips, truth, narrator)
        model = engine.model
    rules = conditions.rules_of(model.alarms)
    judged = tuple(Judged(each, replay(each, rules)) for each in footage)
    here = (interval for clip, intervals in truth.items() if clip in names for interval in intervals)
    return Result(job.bundle, model, conditions, judged, _ignored(here, model), watcher.watched)


def _truth_of(job: Job, clips: Path) -> Path:
    if job.truth is not None:
        return job.truth
    beside = (clips if clips.is_dir() else clips.parent) / TRUTH
    if not beside.is_file():
        raise UserError(f"{beside}: no truth beside the clips; name the file that says what is to be seen with --truth")
    return beside


def _on_recorded(job: Job, recorded: Path, narrator: Narrator) -> Result:
    bundle = open_bundle(job.bundle, narrator.say)
    # Nothing is opened, but tune may have chosen a bundle of another input size for this box.
    running = Opener(bundle, job.wish, trust.choose, lambda line: None).bundle
    conditions = Conditions.read(job.config, running.model, job.camera, job.rate)
    truth = None if job.truth is None else read_camera_truth(job.truth)
    hashes = {entry.sha256 for each in (bundle, running) for entry in each.manifest.files.values()}
    with EventStore(recorded, read_only=True) as store:
        found = Recorded(store, running.model, hashes, conditions)
        footage = found.footage(job.since, truth)
    if found.left_out:
        narrator.say(f"{found.left_out} recorded looks are left out: of another model, or without a zone of now")
    rules = conditions.rules_of(running.model.alarms)
    judged = tuple(Judged(each, replay(each, rules)) for each in footage)
    told = (Interval(0.0, 1.0, label) for rows in (truth or {}).values() for _, _, label in rows)
    return Result(job.bundle, running.model, conditions, judged, _ignored(told, running.model), 0, found.left_out)


def _ignored(intervals: Iterable[Interval], model: ModelSpec) -> dict[str, int]:
    return dict(Counter(interval.label for interval in intervals if interval.label not in model.alarming))
