"""Clips through the very code of the stream, once; what the network saw in them is kept for every rule after."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge_resnet.bundle import Bundle
from edge_resnet.errors import UserError
from edge_resnet.manifest import ModelSpec
from edge_resnet.progress import Narrator
from runtime.backtest.cache import Cache, Seen, key_of
from runtime.backtest.conditions import Conditions
from runtime.backtest.engine import Engine
from runtime.backtest.footage import Footage, evidence, of_alarms
from runtime.backtest.judged import Judged
from runtime.backtest.truth import Interval, read_truth
from runtime.config.rules import zones
from runtime.events.journal import Decider
from runtime.judge import Judge
from runtime.look import Look
from runtime.outputs.output import Output
from runtime.rule import Rule
from runtime.service.lines import Lines
from runtime.session import StreamOptions, watch

SUFFIXES = frozenset({".mp4", ".avi", ".mkv", ".mov"})
TRUTH = "truth.csv"
_NOBODY = Decider("", "", "")


def find_clips(place: Path) -> list[Path]:
    """The clips in a folder, or the one clip. Raises UserError."""
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise UserError(f"{place}: no such folder; name a clip, or a folder of clips")
    clips = sorted(path for path in place.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    if not clips:
        raise UserError(f"{place}: no clips here ({', '.join(sorted(SUFFIXES))})")
    return clips


class Watcher:
    """Gives the footage of clips. `watched`: of how many clips the network had to look; the rest was kept."""

    def __init__(self, engine: Engine, conditions: Conditions, cache: Cache | None, log: Callable[[str], None]) -> None:
        """`cache`: None to look again. `log` is told what went wrong."""
        self._engine, self._conditions, self._cache, self._log = engine, conditions, cache, log
        self.watched = 0

    def footage(
        self, clips: Sequence[Path], truth: Mapping[str, Sequence[Interval]], narrator: Narrator
    ) -> list[Footage]:
        """The footage of each clip; `truth`: by the file's name. Raises UserError, and Stopped at Ctrl-C.

        What was finished until then is kept.
        """
        found = []
        with narrator.stage("watching clips") as step:
            for number, clip in enumerate(clips):
                step(number, len(clips))
                found.append(self._footage(clip, truth.get(clip.name, ())))
            step(len(clips), len(clips))
        return found

    def _footage(self, clip: Path, truth: Sequence[Interval]) -> Footage:
        seen = self._seen(clip)
        judge = judge_of(self._conditions, clip.stem, self._engine.model)
        judged = {target.alarm: self._engine.model.alarms[target.alarm] for target in judge.rules}
        return Footage(
            name=clip.name,
            watched=((0.0, seen.seconds),),
            evidence=evidence(seen.looks, judge),
            truth=of_alarms(truth, judged),
            decider=self._engine.decider,
            zones=self._conditions.settings_of(clip.stem).zones,
        )

    def _seen(self, clip: Path) -> Seen:
        engine, cache = self._engine, self._cache
        key = key_of(clip, engine.model, engine.decider, self._conditions.settings_of(clip.stem))
        kept = cache.find(key, clip.name, engine.model) if cache is not None else None
        if kept is not None:
            return kept
        with tempfile.TemporaryDirectory(prefix="edge-resnet-") as folder:
            seen = self._look_at(clip, Path(folder) / "events.sqlite")
        self.watched += 1
        if cache is not None:
            cache.put(key, seen, engine.model)
        return seen

    def _look_at(self, clip: Path, events: Path) -> Seen:
        """Watch a clip as the stream does, and keep what the network sees. `events`: the SQLite file to use."""
        kept, wish = _Keeper(), self._engine.wish
        options = StreamOptions(
            settings=self._conditions.watch(clip),
            bundle=self._engine.bundle.folder,
            backend=wish.backend,
            precision=wish.precision,
            device=wish.device,
            box=wish.box,
            events=events,
        )
        summary = watch(options, _Errors(self._log), self._engine.choose, also=(kept,))
        return Seen(tuple(kept.looks), summary.seconds)


def watch_clips(
    folder: Path, bundle: Path, events: Path, say: Callable[[str], None], annotated: Mapping[str, Path] | None = None
) -> list[Judged]:
    """Watch every clip of `folder` with the bundle, and hold what is raised against its truth.csv.

    `events`: the SQLite file that events go to. `annotated`: by a clip's name, where to save it annotated. Raises
    UserError.
    """
    truth = read_truth(folder / TRUTH)
    model = Bundle.open(bundle).model
    watched, log = [], Lines(say)
    for clip in find_clips(folder):
        options = StreamOptions((str(clip),), bundle=bundle, events=events, save=(annotated or {}).get(clip.name))
        summary = watch(options, log)
        footage = Footage(
            clip.name, ((0.0, summary.seconds),), {}, of_alarms(truth.get(clip.name, ()), model.alarms), _NOBODY
        )
        watched.append(Judged(footage, summary.events))
    return watched


def judge_of(conditions: Conditions, name: str, model: ModelSpec) -> Judge:
    """The judge of video of this name, with the rules and zones that it is judged by. Raises UserError."""
    rules = {target: Rule(settings) for target, settings in conditions.rules(name, model.alarms).items()}
    return Judge(model, rules, zones(conditions.settings_of(name), model))


class _Keeper(Output):
    """Keeps every look."""

    def __init__(self) -> None:
        self.looks: list[Look] = []

    def look(self, look: Look) -> None:
        self.looks.append(look)


class _Errors(Lines):
    """Of the stream's log only what is lost; its events are told from the replay."""

    def info(self, event: str, **fields: Any) -> None:
        """Nothing of it is news here."""

    warning = info

    def error(self, event: str, **fields: Any) -> None:
        super().info(event, **fields)
