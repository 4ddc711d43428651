"""The score book of a camera: every look as it was judged, gathered and written in pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from runtime.events.journal import Journal
from runtime.events.scores import JudgedTarget, Piece, RecordedLook
from runtime.judge import Judge, Judgement
from runtime.look import Look

# A minute at the default rate: what a power cut may lose of quiet hours, and long enough to pack well.
_MOST_LOOKS = 300


@dataclass
class ScoreBook:
    """Writes what `judge` made of each look to the store of `journal`."""

    journal: Journal
    judge: Judge
    labels: tuple[str, ...]
    _looks: list[RecordedLook] = field(default_factory=list, init=False)

    def add(self, look: Look, judgements: Sequence[Judgement], age_s: float | None, gate: str) -> None:
        """A look was judged. `age_s`: from capture to judgement, None for a file; `gate`: why it was open."""
        targets = tuple(
            JudgedTarget(each.probability, each.transition.state.value, each.transition.lacks) for each in judgements
        )
        probabilities = tuple(look.probabilities.values())
        self._looks.append(RecordedLook(look.time_s, look.index, age_s, gate, probabilities, targets))
        if len(self._looks) >= _MOST_LOOKS:
            self.flush()

    def flush(self, older_than_s: float = 0.0) -> None:
        """Write what was gathered, if its first look is at least so old, by the stream's time."""
        if not self._looks or self._looks[-1].time_s - self._looks[0].time_s < older_than_s:
            return
        looks, self._looks = tuple(self._looks), []
        journal, rules = self.journal, self.judge.rules
        piece = Piece(
            run=journal.run,
            camera=journal.camera,
            created_at=journal.now().isoformat(timespec="milliseconds"),
            labels=self.labels,
            targets=tuple((target.alarm, target.zone) for target in rules),
            rules=tuple(asdict(rule.settings) for rule in rules.values()),
            model_sha256=journal.decider.model_sha256,
            backend=journal.decider.backend,
            precision=journal.decider.precision,
            looks=looks,
        )
        journal.store.add_scores([piece])
