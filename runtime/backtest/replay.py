"""Rules on footage: the events that the stream would raise, and the same in short for trying many rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from runtime.backtest.footage import Evidence, Footage
from runtime.events.event import Event
from runtime.events.journal import Journal
from runtime.events.near_miss import NearMiss
from runtime.events.notice import Notice
from runtime.events.scores import Piece
from runtime.judge import Judgement
from runtime.rule import Change, Rule, Transition
from runtime.rule_settings import RuleSettings


class Alarm(NamedTuple):
    """An event in short: when it was raised, and the last look that held it (seconds of the stream)."""

    raised_s: float
    ended_s: float


class Memory:
    """Takes the place of the store: events by their ids, as they stand."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def add(self, event: Event, notice: Notice | None = None, sinks: Iterable[str] = ()) -> None:
        self.events[event.id] = event

    update = add

    def add_miss(self, miss: NearMiss) -> None:
        """Nobody asks for it here."""

    def add_scores(self, pieces: Sequence[Piece]) -> None:
        """They are there already."""


def replay(footage: Footage, rules: Mapping[str, RuleSettings]) -> tuple[Event, ...]:
    """The events of footage, in its order, by the stream's own rule and journal. `rules`: of its alarms, in the whole
    picture; zones with thresholds of their own keep them.
    """
    memory = Memory()
    journal = Journal(memory, footage.name, footage.decider, live=False)
    for target, evidence in footage.evidence.items():
        settings = footage.rule(target, rules[target.alarm])
        for number, transition in _transitions(evidence, Rule(settings)):
            value, label = float(evidence.probabilities[number]), evidence.labels[number]
            journal.enter(Judgement(target, value, label, transition), settings)
    return tuple(sorted(memory.events.values(), key=lambda event: (event.raised_s, event.camera, event.alarm)))


def alarms(evidence: Evidence, settings: RuleSettings) -> list[Alarm]:
    """What a rule raises on a target's evidence, as `replay` has it, in short."""
    episodes = (
        transition.episode
        for _, transition in _transitions(evidence, Rule(settings))
        if transition.change is Change.CLEARED
    )
    return [Alarm(episode.raised_s, episode.last_s) for episode in episodes if episode is not None]


def _transitions(evidence: Evidence, rule: Rule) -> Iterator[tuple[int, Transition]]:
    """The rule's answers to all looks that matter to what it raises, each with the look's number."""
    # Where it was disarmed it rests, and begins anew when it is armed.
    turns = np.flatnonzero(np.diff(evidence.armed.astype(np.int8))) + 1
    for first, end in pairwise([0, *turns.tolist(), len(evidence.armed)]):
        if first < end and evidence.armed[first]:
            yield from _armed(evidence, rule, first, end)
            yield end - 1, rule.finish()


def _armed(evidence: Evidence, rule: Rule, first: int, end: int) -> Iterator[tuple[int, Transition]]:
    """Give the rule the looks from `first` to before `end`, but for those that nothing depends on.

    A look under the low threshold while nothing is held counts only in the window of a later look over it, so of all
    looks between two over it those of the second's window are enough. Most hours of a camera are such looks.
    """
    settings = rule.settings
    times_s, values = evidence.times_s[first:end], evidence.probabilities[first:end]
    over = np.flatnonzero(values >= settings.low_threshold)
    windows = np.searchsorted(times_s, times_s[over] - settings.window_s)
    following = np.searchsorted(over, np.arange(len(values)))
    at, held = 0, False
    while at < len(times_s):
        if not held:
            number = int(following[at])
            if number == len(over):
                return
            at = max(at, int(windows[number]))
        transition = rule.look(float(times_s[at]), float(values[at]))
        held = transition.change in (Change.RAISED, Change.STILL)
        yield first + at, transition
        at += 1
