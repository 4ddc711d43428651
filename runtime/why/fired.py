"""Why an event was raised, or a near miss was not: its trace, and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from runtime.attempt import Reach
from runtime.events import scores
from runtime.events.event import Event
from runtime.events.media import Media, Medium
from runtime.events.near_miss import NearMiss
from runtime.events.store import EventStore
from runtime.events.verdict import Verdict, verdicts
from runtime.judge import Target
from runtime.rule import State
from runtime.rule_settings import RuleSettings
from runtime.why.trace import WATCH, Step, Trace, in_step, traces

# Of an alarm that was held for hours, so much is read after the look that raised it.
_MOST_HELD_S = 600.0
# Looks are recorded to the millisecond.
_ROUNDED_S = 0.002
# What is read before it begins: a window may be so long.
_BEFORE_S = 60.0


@dataclass(frozen=True)
class Why:
    """What is known of a `subject`. `trace`: None where no looks are kept. `decisive`: the look that raised it, or the
    best of a near miss. `reach`: how far the looks of its window had come.

    `media`: its files that are there. `verdict`: what a person said. `woken`: of a camera on the ladder, the looks at
    which it had another rung, or another reason to be watched, than at the look before: up to the decisive one, or to
    the first that came too late for a near miss.
    """

    subject: Event | NearMiss
    trace: Trace | None
    decisive: Step | None
    reach: Reach | None
    media: tuple[Medium, ...]
    verdict: Verdict | None
    woken: tuple[Step, ...] = ()

    @property
    def target(self) -> Target:
        """What was judged."""
        return Target(self.subject.alarm, self.subject.zone)

    def sentences(self) -> list[str]:
        """In words for people: why, what else was seen, and what is not known."""
        told = [self._why()]
        if self.trace is None:
            told.append(_NO_LOOKS)
            return told
        told += _overall(self.subject, self.trace.rule)
        if self.woken:
            told.append(awake(self.woken))
        if self.decisive is not None:
            told += [*_before(self.trace, self.decisive, self.subject), *_beside(self.trace, self.decisive)]
        return told

    def _why(self) -> str:
        subject = self.subject
        if isinstance(subject, NearMiss):
            return f"did not fire: {subject.reason}"
        if self.trace is None or self.decisive is None or self.reach is None:
            ended = "" if subject.ended_s is None else f", up to {subject.peak:.2f} until {subject.ended_s:.1f} s"
            mean = f"mean {subject.mean:.2f} of all that held it"
            return f"fired at {subject.raised_s:.1f} s: looks over the low threshold, {mean}{ended}"
        reach, rule = self.reach, self.trace.rule
        return f"fired at {subject.raised_s:.1f} s: {reached(reach, rule)}; {needed(rule)}"


_NO_LOOKS = (
    "the looks that decided are not kept any more, or never were (by age: retention in cameras.yaml; a full disk loses "
    "them first)"
)


def why(store: EventStore, subject: Event | NearMiss) -> Why:
    """What the store knows of an event or a near miss. Raises what Database raises."""
    first_s, decisive_s, last_s = _span(subject)
    pieces = scores.read(store.database, subject.run, subject.camera, first_s - _BEFORE_S, last_s + _BEFORE_S)
    pieces = in_step(pieces, subject.created_at, decisive_s if isinstance(subject, Event) else last_s)
    target = Target(subject.alarm, subject.zone)
    found = [each for each in traces(pieces) if each.target == target and each.at(decisive_s) is not None]
    trace = _cut(found[0], first_s, last_s) if found else None
    decisive = trace.at(decisive_s) if trace else None
    reach = None
    if trace is not None and decisive is not None:
        over_s = subject.started_s if isinstance(subject, Event) else float("inf")
        reach = trace.reach(decisive, over_s)
    media = Media(store.path, read_only=True)
    try:
        files = tuple(each for each in media.of(subject.id) if each.path.exists())
    finally:
        media.close()
    woken = _woken(found[0], decisive_s, last_s if isinstance(subject, NearMiss) else float("inf")) if found else ()
    return Why(subject, trace, decisive, reach, files, verdicts(store.database).get(subject.id), woken)


def reached(reach: Reach, rule: RuleSettings) -> str:
    """How far looks came: "4 of 5 looks over 0.70, mean 0.81 of all 5, within 1.6 s"."""
    lasted = f", seen for {reach.lasted_s:.1f} s" if rule.min_duration_s > 0 else ""
    # It is asked for only where looks did not come steadily.
    timely = f" ({reach.over_share:.0%} of their time)" if reach.over_share < 1.0 else ""
    return (
        f"{reach.over} of {reach.looks} looks{timely} over {rule.threshold:.2f}, mean {reach.mean:.2f} "
        f"of all {reach.looks}, within {reach.span_s:.1f} s{lasted}"
    )


def needed(rule: RuleSettings) -> str:
    """What a rule asks for."""
    lasting = f", and {rule.min_duration_s:g} s since the first of them" if rule.min_duration_s > 0 else ""
    return (
        f"needed in {rule.window_s:g} s: {rule.min_looks} looks at least {rule.window_s / 2:g} s apart, "
        f"{rule.share:.0%} of them over {rule.threshold:.2f}, mean {rule.mean_threshold:.2f}{lasting}"
    )


def _span(subject: Event | NearMiss) -> tuple[float, float, float]:
    """Of the stream: where it begins, the look that decided, where it ends (or reading does)."""
    if isinstance(subject, NearMiss):
        return subject.began_s, subject.best_s, subject.ended_s
    ended_s = subject.raised_s if subject.ended_s is None else subject.ended_s
    return subject.started_s, subject.raised_s, min(ended_s, subject.raised_s + _MOST_HELD_S)


def _cut(trace: Trace, first_s: float, last_s: float) -> Trace:
    """With a window before, and what it takes to be quiet after."""
    rule = trace.rule
    before_s, after_s = rule.window_s, max(rule.window_s, rule.quiet_s) + 1.0
    steps = tuple(step for step in trace.steps if first_s - before_s <= step.time_s <= last_s + after_s)
    return Trace(trace.target, rule, steps, trace.model_sha256, trace.backend, trace.precision)


def _overall(subject: Event | NearMiss, rule: RuleSettings) -> list[str]:
    """The event's own mean, which is not that of the window in which it was raised."""
    if isinstance(subject, NearMiss):
        return []
    until = "so far" if subject.ended_s is None else f"until {subject.ended_s:.1f} s"
    own = f"mean {subject.mean:.2f} and peak {subject.peak:.2f}"
    looks = f"{subject.looks} looks over its low threshold {rule.low_threshold:.2f}"
    return [f"the event's own {own} are of the {looks}, {until}"]


def _woken(trace: Trace, decisive_s: float, missed_s: float) -> tuple[Step, ...]:
    """See Why: from the look at which it was not watched for the last time, where that is known.

    `missed_s`: the last look of a near miss. The next came too late, and says on which rung it was waited for.
    """
    steps = [step for step in trace.steps if step.attention]
    late_s = next((step.time_s for step in steps if step.time_s > missed_s + _ROUNDED_S), decisive_s)
    steps = [step for step in steps if step.time_s <= late_s + _ROUNDED_S]
    turns = [*steps[:1], *(after for before, after in pairwise(steps) if _turned(before, after))]
    by_then = [place for place, step in enumerate(turns) if step.time_s <= decisive_s + _ROUNDED_S]
    asleep = [place for place in by_then if turns[place].attention != WATCH]
    return tuple(turns[asleep[-1] :] if asleep else turns)


def _turned(before: Step, after: Step) -> bool:
    return (before.attention, before.attention_why) != (after.attention, after.attention_why)


def awake(turns: Sequence[Step]) -> str:
    """On which rung a camera was, and what woke it: "attention: at glances, watched since 12.2 s (motion)"."""
    first, *others = turns
    # What was before the first look that is known, nobody knows.
    told = [f"{first.rung}, {first.unmet}" if first.denied else _since(first, " or before")]
    return f"attention: {', '.join([*told, *map(_since, others)])}"


def _since(turn: Step, or_before: str = "") -> str:
    if turn.attention == WATCH:
        return f"watched since {turn.time_s:.1f} s{or_before} ({turn.attention_why or 'for no reason any more'})"
    return f"since {turn.time_s:.1f} s {turn.unmet}" if turn.denied else turn.rung


def _before(trace: Trace, decisive: Step, subject: Event | NearMiss) -> list[str]:
    """What the look before the one that raised it still lacked, or why it could not be raised before."""
    if isinstance(subject, NearMiss):
        return []
    earlier = [step for step in trace.steps if step.time_s < decisive.time_s]
    if not earlier:
        return []
    last = earlier[-1]
    if last.state == State.COOLDOWN.value:
        return [f"it could not fire before: an alarm was over less than {trace.rule.cooldown_s:g} s ago (cooldown)"]
    if last.lacks:
        return [f"the look before, at {last.time_s:.1f} s ({last.probability:.2f}), still lacked {lacking(last.lacks)}"]
    return []


def _beside(trace: Trace, decisive: Step) -> list[str]:
    """What the rest of the picture said at that look."""
    told = []
    label, probability = max(decisive.labels.items(), key=lambda item: item[1])
    if trace.target.zone is not None:
        told.append(
            f"judged by the evidence in zone {trace.target.zone}, {decisive.probability:.2f}; the whole picture was "
            f"{label} ({probability:.2f})"
        )
    if decisive.others:
        others = ", ".join(f"{name} {value:.2f}" for name, value in decisive.others.items())
        told.append(f"at that look besides: {others}")
    return told


_LACKS = {
    "looks": "looks enough",
    "threshold": "the threshold",
    "span": "looks far enough apart",
    "share": "the share of looks, or of their time, over the threshold",
    "mean": "the mean",
    "duration": "the time it must last",
}


def lacking(lacks: tuple[str, ...]) -> str:
    """What a look lacked, in words."""
    return ", ".join(_LACKS.get(each, each) for each in lacks)
