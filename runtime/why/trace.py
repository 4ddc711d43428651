"""A trace: the recorded looks of one camera around a moment, as the rule of one target saw them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from runtime.attempt import Reach
from runtime.attention import Rung
from runtime.events.scores import Piece
from runtime.judge import Target
from runtime.rule import State
from runtime.rule_settings import RuleSettings

# The rungs of the attention ladder, as looks are recorded with them, in words.
WATCH = Rung.WATCH.name.lower()
_RUNGS = {WATCH: "watched", Rung.GLANCE.name.lower(): "at glances", Rung.ASLEEP.name.lower(): "asleep"}
# Of one watch the wall clock and the stream's seconds run in step; after a reload the seconds begin anew.
_IN_STEP_S = 5.0
_SETTINGS = frozenset(field.name for field in fields(RuleSettings))


@dataclass(frozen=True)
class Step:
    """A look at one target. `time_s`: of the stream; `at`: the wall clock, UTC, about; None for a file.

    `probability`: what the rule was given, 0..1. `state`: the rule's, after it; `lacks`: what was missing for an alarm.
    `gate`: why it was open. `age_s`: from capture to judgement; None for a file. `labels`: of the whole picture, 0..1.
    `others`: probabilities of the other targets, as they are called. `attention`, `attention_why`: the rung of the
    ladder, and what there was to watch for then; empty without a ladder, and for nothing (runtime/look.py).
    """

    time_s: float
    at: datetime | None
    probability: float
    state: str
    lacks: tuple[str, ...]
    gate: str
    age_s: float | None
    labels: Mapping[str, float]
    others: Mapping[str, float]
    attention: str = ""
    attention_why: str = ""

    @property
    def rung(self) -> str:
        """The rung, in words."""
        return _RUNGS.get(self.attention, self.attention)

    @property
    def denied(self) -> bool:
        """Whether there was a reason to watch it, and not the power."""
        return bool(self.attention_why) and self.attention != WATCH

    @property
    def unmet(self) -> str:
        """That it was denied, in words."""
        return f"to be watched ({self.attention_why}) and not, for want of power"


@dataclass(frozen=True)
class Trace:
    """`target`: what was judged; `rule`: with which settings; `steps`: in order; and what classified."""

    target: Target
    rule: RuleSettings
    steps: tuple[Step, ...]
    model_sha256: str
    backend: str
    precision: str

    def at(self, time_s: float) -> Step | None:
        """The look at `time_s`, to the millisecond to which it is recorded."""
        return next((step for step in self.steps if abs(step.time_s - time_s) < 0.002), None)

    def window(self, step: Step) -> tuple[Step, ...]:
        """The looks that counted at a step: those of the window, since what was held or disarmed before."""
        found: list[Step] = []
        before = [each for each in self.steps if each.time_s < step.time_s]
        for place, each in reversed(list(enumerate(before))):
            cleared = each.state == State.COOLDOWN.value and place and before[place - 1].state == State.HELD.value
            resting = each.state in (State.HELD.value, State.DISARMED.value)
            if resting or cleared or each.time_s < step.time_s - self.rule.window_s:
                break
            found.append(each)
        return (*reversed(found), step)

    def reach(self, step: Step, over_s: float) -> Reach:
        """How far the window at a step came. `over_s`: the attempt's first look over the threshold."""
        looks = [(each.time_s, each.probability) for each in self.window(step)]
        return Reach.of(looks, self.rule.threshold, over_s)


def traces(pieces: Iterable[Piece]) -> list[Trace]:
    """What pieces of one camera tell of each target, in order; anew where the rule or the model is another."""
    found: dict[tuple[Target, RuleSettings, str], list[tuple[Piece, tuple[Step, ...]]]] = {}
    for piece in pieces:
        for place, (alarm, zone) in enumerate(piece.targets):
            target = Target(alarm, zone)
            key = target, _rule(piece.rules[place]), piece.model_sha256
            found.setdefault(key, []).append((piece, tuple(_steps(piece, place))))
    return [
        Trace(
            target,
            rule,
            tuple(step for _, steps in parts for step in steps),
            model,
            parts[-1][0].backend,
            parts[-1][0].precision,
        )
        for (target, rule, model), parts in found.items()
    ]


def in_step(pieces: Sequence[Piece], created_at: str, time_s: float) -> list[Piece]:
    """Of pieces of one run, those of the watch in which `time_s` was at `created_at` (UTC, ISO 8601).

    A camera that is added anew by a reload counts its seconds from 0 again, in the same run.
    """
    if not pieces or not any(look.age_s is not None for look in pieces[0].looks):
        return list(pieces)
    began = datetime.fromisoformat(created_at) - timedelta(seconds=time_s)
    nearest = min((_began(piece) for piece in pieces), key=lambda each: abs(each - began))
    return [piece for piece in pieces if abs(_began(piece) - nearest) <= timedelta(seconds=_IN_STEP_S)]


def _began(piece: Piece) -> datetime:
    """When the stream's seconds were 0, by the wall clock."""
    return datetime.fromisoformat(piece.created_at) - timedelta(seconds=piece.looks[-1].time_s)


def _rule(settings: Mapping[str, float]) -> RuleSettings:
    return RuleSettings(**{name: value for name, value in settings.items() if name in _SETTINGS})  # type: ignore[arg-type]  # min_looks is whole in JSON too


def _steps(piece: Piece, place: int) -> Iterable[Step]:
    names = [str(Target(alarm, zone)) for alarm, zone in piece.targets]
    began = _began(piece)
    for look in piece.looks:
        judged = look.targets[place]
        yield Step(
            time_s=look.time_s,
            at=None if look.age_s is None else began + timedelta(seconds=look.time_s),
            probability=judged.probability,
            state=judged.state,
            lacks=judged.lacks,
            gate=look.gate,
            age_s=look.age_s,
            labels=dict(zip(piece.labels, look.probabilities, strict=True)),
            others={
                name: other.probability
                for number, (name, other) in enumerate(zip(names, look.targets, strict=True))
                if number != place
            },
            attention=look.attention,
            attention_why=look.attention_why,
        )
