"""The score book of a camera: every look as it was judged, gathered and written in pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from zlib import crc32

from runtime.events.journal import Journal
from runtime.events.scores import JudgedTarget, Piece, RecordedLook
from runtime.judge import Judge, Judgement
from runtime.look import Look
from runtime.moment import iso

# What a power cut may lose of quiet hours, and long enough to pack well. Who asks why nothing fired just now waits a
# minute at most.
_MOST_S, _MOST_LOOKS = 60.0, 300
# Cameras that begin together must not all have a piece to pack at once: each has a length of its own, of at least this
# share.
_LEAST_SHARE = 0.5


@dataclass
class ScoreBook:
    """Writes what `judge` made of each look to the store of `journal`."""

    journal: Journal
    judge: Judge
    labels: tuple[str, ...]
    _looks: list[RecordedLook] = field(default_factory=list, init=False)
    _share: float = field(init=False)

    def __post_init__(self) -> None:
        self._share = _LEAST_SHARE + (1.0 - _LEAST_SHARE) * (crc32(self.journal.camera.encode()) % 1000) / 1000

    def add(self, look: Look, judgements: Sequence[Judgement], age_s: float | None) -> None:
        """A look was judged. `age_s`: from capture to judgement, None for a file."""
        targets = tuple(
            JudgedTarget(each.probability, each.transition.state.value, each.transition.lacks) for each in judgements
        )
        probabilities = tuple(look.probabilities.values())
        why = look.occasion
        self._looks.append(
            RecordedLook(
                *(look.time_s, look.index, age_s, why.gate, probabilities, targets),
                attention=why.attention,
                attention_why=why.attention_why,
            )
        )
        took_s = look.time_s - self._looks[0].time_s
        if len(self._looks) >= self._share * _MOST_LOOKS or took_s >= self._share * _MOST_S:
            self.flush()

    def flush(self) -> None:
        """Write what was gathered."""
        if not self._looks:
            return
        looks, self._looks = tuple(self._looks), []
        journal, rules = self.journal, self.judge.rules
        piece = Piece(
            run=journal.run,
            camera=journal.camera,
            created_at=iso(journal.now()),
            labels=self.labels,
            targets=tuple((target.alarm, target.zone) for target in rules),
            rules=tuple(asdict(rule.settings) for rule in rules.values()),
            model_sha256=journal.decider.model_sha256,
            backend=journal.decider.backend,
            precision=journal.decider.precision,
            looks=looks,
        )
        journal.store.add_scores([piece])
