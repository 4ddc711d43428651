"""The judge: what a camera's looks mean, alarm by alarm, in the whole picture or in a zone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edge_resnet.manifest import ModelSpec
from edge_resnet.probability import sum_of_classes
from runtime.look import Look
from runtime.rule import Rule, Transition
from runtime.zones import Zone

# Whether an alarm of this camera is armed now.
Armed = Callable[[str], bool]


@dataclass(frozen=True)
class Target:
    """What a rule judges: an `alarm`, by the evidence in a `zone` of the picture, or in all of it (None)."""

    alarm: str
    zone: str | None = None

    def __str__(self) -> str:
        return self.alarm if self.zone is None else f"{self.alarm} in {self.zone}"


@dataclass(frozen=True)
class Judgement:
    """What a look meant for a target. `probability`: of the alarm there, 0..1. `label`: its most probable class."""

    target: Target
    probability: float
    label: str
    transition: Transition


class Judge:
    """One camera's rules. A look goes through all of them; an alarm that is not armed rests."""

    def __init__(self, model: ModelSpec, rules: Mapping[Target, Rule], zones: Mapping[str, Zone]) -> None:
        """`zones`: by name, all that `rules` name."""
        self.rules = rules
        # Asked at every frame.
        self.alarms = frozenset(target.alarm for target in rules)
        self._zones = zones
        self._labels = {name: alarm.classes for name, alarm in model.alarms.items()}
        self._model = model

    def look(self, look: Look, armed: Armed) -> list[Judgement]:
        """What the look means for each target, in the order of the rules."""
        return [self._judge(target, rule, look, armed(target.alarm)) for target, rule in self.rules.items()]

    def finish(self) -> list[Judgement]:
        """No look will follow: what is held is cleared, what was attempted has missed."""
        return [self._finish(target) for target in self.rules]

    def rest(self, armed: Armed) -> list[Judgement]:
        """The same, without a look, of what goes on though its alarm is no longer armed; nothing of all others."""
        going_on = [target for target, rule in self.rules.items() if rule.goes_on]
        return [self._finish(target) for target in going_on if not armed(target.alarm)]

    def _finish(self, target: Target) -> Judgement:
        return Judgement(target, 0.0, self._labels[target.alarm][0], self.rules[target].finish())

    def _judge(self, target: Target, rule: Rule, look: Look, armed: bool) -> Judgement:
        probability, label = self._evidence(target, look)
        # Disarmed, a rule rests: what is held ends as it stands, and armed again it begins with an empty window.
        return Judgement(target, probability, label, rule.look(look.time_s, probability) if armed else rule.finish())

    def _evidence(self, target: Target, look: Look) -> tuple[float, str]:
        labels = self._labels[target.alarm]
        if target.zone is None:
            return look.alarms[target.alarm], max(labels, key=look.probabilities.__getitem__)
        probabilities = self._zones[target.zone].probabilities(look.cam, look.frame_height, look.frame_width)
        by_label = dict(zip(self._model.labels, probabilities.tolist(), strict=True))
        total = float(sum_of_classes(probabilities, self._model.class_indices(target.alarm)))
        return total, max(labels, key=by_label.__getitem__)
