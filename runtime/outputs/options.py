"""Where a run writes: the outputs that its options name, none of them over another's file or over what is watched."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from edge_resnet.errors import UserError
from runtime.outputs import clip, jsonl, window
from runtime.outputs.narrator import Narrator
from runtime.outputs.output import Output
from runtime.outputs.spare import Spare
from runtime.service.logs import Log

# Of a wall of cameras; of one camera every picture is shown that comes.
WALL_PER_S = 10.0
EVERY_PICTURE_PER_S = 1000.0
_USUAL_FPS = 25.0


@dataclass(frozen=True)
class Outputs:
    """What the command line named: `events` is the store; the others are None, or False, where they were not asked for.

    `jsonl`: a path, or - for standard output.
    """

    events: Path
    jsonl: str | None = None
    save: Path | None = None
    display: bool = False

    @property
    def pictures(self) -> bool:
        """Whether pictures are made for people."""
        return self.save is not None or self.display

    @property
    def takes_terminal(self) -> bool:
        """Whether lines are written to the terminal, where a table would be torn by them."""
        return self.jsonl == jsonl.STANDARD_OUTPUT and sys.stdout.isatty()

    def check(self) -> None:
        """Find the mistakes that can be found before anything is opened. Raises UserError."""
        if self.save is not None:
            clip.check_name(self.save)
        if self.display:
            window.check_display()
        named = list(self._files())
        for number, (option, path) in enumerate(named):
            for other, second in named[:number]:
                if _same(path, second):
                    raise UserError(f"{option} {path}: is {other} too; give each a file of its own")

    def check_apart(self, read: Sequence[Path]) -> None:
        """Raise UserError when what is written would destroy what is read."""
        for option, path in self._files():
            if any(_same(path, source) for source in read):
                raise UserError(f"{option} {path}: is read in this run, and would be overwritten; give another file")

    def open(
        self, cameras: Sequence[str], fps: float | None, stop: Callable[[], None], log: Log, stack: ExitStack
    ) -> list[Output]:
        """The outputs; closed by `stack`. `fps`: of the one file that is watched, None for others.

        Of a file somebody waits for the outputs, and one that fails ends the watch; live cameras are watched on.
        """
        outputs: list[Output] = [Narrator(log)]
        if self.jsonl is not None:
            lines = jsonl.JsonLines(self.jsonl)
            outputs.append(Spare(lines, f"--jsonl {self.jsonl}", log) if fps is None else lines)
        if self.save is not None:
            saved = clip.Clip(self.save, WALL_PER_S if len(cameras) > 1 else fps or _USUAL_FPS, log)
            outputs.append(Spare(saved, f"--save {self.save}", log) if fps is None else saved)
        if self.display:
            outputs.append(window.Window(f"edge-resnet {names(cameras)}", stop))
        for output in outputs:
            stack.callback(output.close)
        return outputs

    def _files(self) -> Iterator[tuple[str, Path]]:
        yield "--events", self.events
        if self.jsonl is not None and self.jsonl != jsonl.STANDARD_OUTPUT:
            yield "--jsonl", Path(self.jsonl)
        if self.save is not None:
            yield "--save", self.save


def names(cameras: Sequence[str] | Mapping[str, object]) -> str:
    """How to call all cameras of a run in a line."""
    each = list(cameras)
    return each[0] if len(each) == 1 else f"{len(each)} cameras: {', '.join(each)}"


def _same(one: Path, other: Path) -> bool:
    """Whether two names lead to one file, there or not yet there."""
    return one.samefile(other) if one.exists() and other.exists() else one.resolve() == other.resolve()
