"""Scores that were recorded live, as footage: what the network saw at a camera, and what people said of its events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from edge_resnet.errors import UserError
from edge_resnet.manifest import ModelSpec
from runtime.backtest.conditions import Conditions
from runtime.backtest.footage import Evidence, Footage, of_alarms
from runtime.backtest.truth import TOLERANCE_S, Interval, Span, read_rows
from runtime.events.event import Event
from runtime.events.journal import Decider
from runtime.events.scores import Piece, RecordedLook, read_between
from runtime.events.store import EventStore
from runtime.events.verdict import verdicts
from runtime.judge import Target
from runtime.moment import iso
from runtime.rule import State

# A camera of whose gate nothing comes through is looked at every 10 s by default, and a beat may fall out.
MOST_GAP_S = 25.0
# So long before a true event began by the rule of that day, another rule is not yet wrong to raise it.
EARLY_S = 30.0
# A quarter of an hour of sixteen cameras is some 100 MB while it is unpacked.
_CHUNK = timedelta(minutes=15)
# Text that sorts before every moment.
EVER = "0000"
_COLUMNS = ("camera", "start", "end", "class")

# By camera: what was to be seen, from when to when, and of which class.
CameraTruth = Mapping[str, Sequence[tuple[datetime, datetime, str]]]


def read_camera_truth(path: Path) -> dict[str, list[tuple[datetime, datetime, str]]]:
    """What truly happened at cameras: camera,start,end,class, the times as ISO 8601 has them (without a zone, of this
    box). A camera's other hours are normal. Raises UserError.
    """
    truth: defaultdict[str, list[tuple[datetime, datetime, str]]] = defaultdict(list)
    for number, row in read_rows(path, _COLUMNS):
        try:
            start, end = (datetime.fromisoformat(row[name]).astimezone() for name in ("start", "end"))
        except (ValueError, OverflowError) as error:
            raise UserError(f"{path}: line {number}: write times like 2026-11-24T13:00:05") from error
        if not start < end:
            raise UserError(f"{path}: line {number}: the end is not after the start")
        truth[row["camera"]].append((start, end, row["class"]))
    return dict(truth)


@dataclass
class _Run:
    """What one camera recorded in one run of the watch."""

    times_s: list[float] = field(default_factory=list)
    values: dict[Target, list[float]] = field(default_factory=lambda: defaultdict(list))
    labels: dict[Target, list[str]] = field(default_factory=lambda: defaultdict(list))
    armed: dict[Target, list[bool]] = field(default_factory=lambda: defaultdict(list))
    # Seconds since 1970 at the stream's zero; the least of what the pieces say, for none is written before its looks.
    zero_s: float = float("inf")
    decider: Decider = field(default_factory=lambda: Decider("", "", ""))

    def evidence(self) -> dict[Target, Evidence]:
        """What it says for each target."""
        times_s = np.array(self.times_s, np.float64)
        return {
            target: Evidence(
                times_s,
                np.array(values, np.float64),
                tuple(self.labels[target]),
                np.array(self.armed[target], np.bool_),
            )
            for target, values in self.values.items()
        }

    def intervals(self, told: Sequence[tuple[datetime, datetime, str]]) -> list[Interval]:
        """What was truly to be seen while it ran, in seconds of its stream."""
        inside = []
        for start, end, label in told:
            start_s, end_s = start.timestamp() - self.zero_s, end.timestamp() - self.zero_s
            if start_s <= self.times_s[-1] and end_s >= self.times_s[0]:
                inside.append(Interval(start_s, end_s, label))
        return inside


class Recorded:
    """The scores in an event store. `left_out`: how many looks another model gave, or that lack a zone of now."""

    def __init__(self, store: EventStore, model: ModelSpec, hashes: Collection[str], conditions: Conditions) -> None:
        """`hashes`: of the bundle's model files."""
        self._store, self._model, self._hashes, self._conditions = store, model, hashes, conditions
        self.left_out = 0

    def footage(self, since: str, truth: CameraTruth | None) -> list[Footage]:
        """What each camera recorded in each run since a moment (UTC, ISO 8601), with what was truly to be seen.

        Without a file of truth, events that people have judged tell. Raises UserError.
        """
        runs: dict[tuple[str, str], _Run] = {}
        for piece in self._pieces(since):
            self._gather(piece, runs.setdefault((piece.camera, piece.run), _Run()))
        runs = {key: run for key, run in runs.items() if run.times_s}
        if not runs:
            others = f" ({self.left_out} looks are of another model, or without a zone of now)" * bool(self.left_out)
            when = "" if since == EVER else f" since {since[:16]}"
            raise UserError(f"{self._store.path}: no scores of this bundle were recorded{when}{others}")
        judged = self._judged() if truth is None else {}
        return [
            self._footage(camera, run, judged.get((camera, name), []), (truth or {}).get(camera, ()))
            for (camera, name), run in runs.items()
        ]

    def _pieces(self, since: str) -> Iterator[Piece]:
        ((first, last),) = self._store.database.rows(
            "SELECT min(created_at), max(created_at) FROM scores WHERE created_at >= ?", (since,)
        )
        if first is None:
            return
        at, end = datetime.fromisoformat(first), datetime.fromisoformat(last)
        while at <= end:
            until = at + _CHUNK
            yield from read_between(self._store.database, iso(at), iso(until))
            at = until

    def _gather(self, piece: Piece, run: _Run) -> None:
        """Add a piece to its run, if it is of this model and this camera, and all its zones were judged."""
        named = self._conditions.named
        wanted = list(self._conditions.rules(piece.camera, self._model.alarms))
        there = [Target(alarm, zone) for alarm, zone in piece.targets]
        fits = piece.model_sha256 in self._hashes and piece.labels == self._model.labels
        if named not in (None, piece.camera):
            return
        if not fits or any(target.zone is not None and target not in there for target in wanted):
            self.left_out += len(piece.looks)
            return
        looks = [look for look in piece.looks if not run.times_s or look.time_s > run.times_s[-1]]
        run.times_s += [look.time_s for look in looks]
        for target in wanted:
            self._gather_target(target, there, looks, run)
        written_s, last = datetime.fromisoformat(piece.created_at).timestamp(), piece.looks[-1]
        run.zero_s = min(run.zero_s, written_s - (last.age_s or 0.0) - last.time_s)
        run.decider = Decider(piece.model_sha256, piece.backend, piece.precision)

    def _gather_target(self, target: Target, there: Sequence[Target], looks: Sequence[RecordedLook], run: _Run) -> None:
        classes = self._model.class_indices(target.alarm)
        for look in looks:
            if target.zone is None:
                value = min(1.0, sum(look.probabilities[number] for number in classes))
            else:
                value = look.targets[there.index(target)].probability
            best = max(classes, key=look.probabilities.__getitem__)
            states = [each.state for each, of in zip(look.targets, there, strict=True) if of.alarm == target.alarm]
            run.values[target].append(value)
            run.labels[target].append(self._model.labels[best])
            run.armed[target].append(State.DISARMED.value not in states)

    def _judged(self) -> dict[tuple[str, str], list[tuple[Event, str | None]]]:
        """The events by camera and run, each with its verdict. Raises UserError where there is not one."""
        said = verdicts(self._store.database)
        events = self._store.events()
        if events and not any(verdict.verdict in ("true", "false") for verdict in said.values()):
            raise UserError(
                f"{self._store.path}: nobody has judged its events; edge-resnet events verdict EVENT true (or false) "
                "does, or name a truth file with --truth"
            )
        by_run: defaultdict[tuple[str, str], list[tuple[Event, str | None]]] = defaultdict(list)
        for event in events:
            verdict = said.get(event.id)
            by_run[event.camera, event.run].append((event, None if verdict is None else verdict.verdict))
        return by_run

    def _footage(
        self,
        camera: str,
        run: _Run,
        judged: Sequence[tuple[Event, str | None]],
        told: Sequence[tuple[datetime, datetime, str]],
    ) -> Footage:
        evidence = run.evidence()
        alarms = {target.alarm: self._model.alarms[target.alarm] for target in evidence}
        unknown: dict[str, list[Span]] = {alarm: [] for alarm in alarms}
        for target, each in evidence.items():
            unknown[target.alarm] += _spans(each.times_s, ~each.armed)
        truth = {alarm: list(found) for alarm, found in of_alarms(run.intervals(told), alarms).items()}
        for event, verdict in judged:
            ended_s = event.raised_s if event.ended_s is None else event.ended_s
            if event.alarm not in alarms or verdict == "false":
                continue
            if verdict == "true":
                truth[event.alarm].append(Interval(event.started_s, ended_s, event.label, EARLY_S))
            else:
                unknown[event.alarm].append((event.started_s - TOLERANCE_S, ended_s + TOLERANCE_S))
        began = datetime.fromtimestamp(run.zero_s + run.times_s[0]).isoformat(" ", "minutes")
        return Footage(
            name=f"{camera} from {began}",
            watched=tuple(_spans(np.array(run.times_s), np.ones(len(run.times_s), np.bool_))),
            evidence=evidence,
            truth={alarm: tuple(found) for alarm, found in truth.items()},
            decider=run.decider,
            unknown={alarm: tuple(spans) for alarm, spans in unknown.items()},
            zones=self._conditions.settings_of(camera).zones,
        )


def _spans(times_s: np.typing.NDArray[np.float64], chosen: np.typing.NDArray[np.bool_]) -> list[Span]:
    """From the first to the last of consecutive chosen looks that come at most MOST_GAP_S apart."""
    joined = (np.diff(times_s) <= MOST_GAP_S) & chosen[:-1] & chosen[1:]
    bounds = [0, *(np.flatnonzero(~joined) + 1).tolist(), len(times_s)]
    pairs = pairwise(bounds)
    return [(float(times_s[first]), float(times_s[end - 1])) for first, end in pairs if first < end and chosen[first]]
