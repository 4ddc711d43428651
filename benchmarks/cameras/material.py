"""Clips and what is seen in them, of which excerpts are spliced into the cameras' pictures."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_resnet.errors import UserError
from edge_resnet.manifest import AlarmSpec
from runtime.backtest.clips import find_clips
from runtime.backtest.truth import Interval, read_truth
from runtime.config.finding import some


@dataclass(frozen=True)
class Material:
    """`clips`: of `place`. `truth`: of `file`, by the clip's name."""

    place: Path
    clips: Sequence[Path]
    file: Path
    truth: Mapping[str, Sequence[Interval]]

    @classmethod
    def read(cls, place: Path, file: Path) -> Material:
        """Raises UserError."""
        return cls(place, find_clips(place), file, read_truth(file))

    @property
    def quiet(self) -> list[Path]:
        """The clips in which nothing is to be seen."""
        return [clip for clip in self.clips if not self.truth.get(clip.name)]

    def check(self, alarms: Mapping[str, AlarmSpec], say: Callable[[str], None]) -> None:
        """Tell of rows that are of no use here. Raises UserError where none is of any."""
        here = {clip.name for clip in self.clips}
        classes = {each for alarm in alarms.values() for each in alarm.classes}
        rows = [(name, each) for name, intervals in self.truth.items() for each in intervals]
        elsewhere = [(each.line, name) for name, each in rows if name not in here]
        unknown = [(each.line, each.label) for name, each in rows if name in here and each.label not in classes]
        told = []
        if elsewhere:
            told.append(f"the truth names clips that are not in {self.place}: {_listed(elsewhere)}")
        if unknown:
            there = f"the bundle's are of {', '.join(sorted(classes))}"
            told.append(f"of no alarm, and counted as normal: {_listed(unknown)}; {there}")
        if not rows:
            told.append("no rows: it says what is seen in the clips, and when; name another with --truth")
        if len(elsewhere) + len(unknown) == len(rows):
            raise UserError(f"{self.file}: {'; '.join(told)}")
        for line in told:
            say(f"{self.file}: {line}")


def _listed(rows: Collection[tuple[int, str]]) -> str:
    """Each name once, with the first line that it stands in."""
    first: dict[str, int] = {}
    for line, name in sorted(rows):
        first.setdefault(name, line)
    return some([f"{name} (line {line})" for name, line in first.items()])
