"""Live progress on standard error: bars at a terminal, lines elsewhere; with rate and time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from edge_resnet.command import say

Step = Callable[[int, int], None]
Clock = Callable[[], float]

# Where there is no terminal, a stage that takes long tells how far it is this often: a log stays short and alive.
_LINE_EVERY_S = 30.0
_MINUTE_S, _HOUR_S = 60, 3600


class Narrator:
    """Tells what goes on while a long command runs; `quiet` tells nothing (mistakes are still told).

    `console`: where bars are drawn, standard error by default. `clock`: seconds, from any start.
    """

    def __init__(self, quiet: bool = False, console: Console | None = None, clock: Clock = time.monotonic) -> None:
        self._quiet = quiet
        self._console = console or Console(stderr=True)
        self._clock = clock

    def say(self, text: str) -> None:
        """Print a line on standard error."""
        if not self._quiet:
            say(text)

    @contextmanager
    def stage(self, name: str) -> Iterator[Step]:
        """Show how far a stage is: the block calls `step(done, total)` as it goes."""
        if self._quiet:
            yield lambda done, total: None
            return
        lines = _StageLines(name, self._clock)
        if self._console.is_terminal:
            with self._bar() as bar:
                task = bar.add_task(name, total=None)
                yield lambda done, total: bar.update(task, completed=done, total=total)
        else:
            yield lines.step
        lines.end()

    @contextmanager
    def stages(self) -> Iterator[Callable[[str, int, int], None]]:
        """Show several stages, named as they come: the block calls `step(name, done, total)`."""
        if self._quiet:
            yield lambda name, done, total: None
            return
        if not self._console.is_terminal:
            row = _StageRow(self._clock)
            yield row.step
            row.end()
            return
        tasks: dict[str, TaskID] = {}
        with self._bar() as bar:

            def step(name: str, done: int, total: int) -> None:
                if name not in tasks:
                    tasks[name] = bar.add_task(name)
                bar.update(tasks[name], completed=done, total=total)

            yield step

    def _bar(self) -> Progress:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _PaceColumn())
        return Progress(*columns, console=self._console, get_time=self._clock, transient=True)


class _PaceColumn(ProgressColumn):
    """Rate and time left of a bar, by rich's moving average."""

    # Twice a second: figures that change faster cannot be read.
    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        return Text(_pace(task.speed, task.remaining), style="progress.remaining")


class _StageLines:
    """The lines of one stage: how far it is, now and then, and at its end how long it took."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name, self._clock = name, clock
        self._started = self._told = clock()
        self._first: tuple[float, int] | None = None

    def step(self, done: int, total: int) -> None:
        now = self._clock()
        # The rate counts from the first step: before it lies what happens once, and a resumed epoch begins later on.
        first_at, first_done = self._first = self._first or (now, done)
        if now - self._told < _LINE_EVERY_S:
            return
        self._told = now
        rate = (done - first_done) / (now - first_at) if now > first_at else None
        told = _pace(rate, total - done)
        say(f"{self._name}: {done}/{total}{', ' if told else ''}{told}")

    def end(self) -> None:
        say(f"{self._name}: {self._clock() - self._started:.1f} s")


class _StageRow:
    """The lines of several stages: one ends when the next begins."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._name: str | None = None
        self._lines: _StageLines | None = None

    def step(self, name: str, done: int, total: int) -> None:
        if self._lines is None or name != self._name:
            self.end()
            self._name, self._lines = name, _StageLines(name, self._clock)
        self._lines.step(done, total)

    def end(self) -> None:
        if self._lines is not None:
            self._lines.end()


def _pace(rate: float | None, remaining: float | None) -> str:
    """Rate and time left in words, from `rate` a second and what remains to be done; `` while nothing is known."""
    if not rate or rate < 0:
        return ""
    told = f"{rate:.0f}/s" if rate >= 100 else f"{rate:.1f}/s"
    if rate < 0.1:
        told = f"{rate * _MINUTE_S:.1f}/min"
    return told if remaining is None else f"{told}, {_duration(remaining / rate)} left"


def _duration(seconds: float) -> str:
    """A duration as a person would say it: 45 s, 2 min, 3 h 20 min."""
    if seconds < 1.5 * _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 1.5 * _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    hours, minutes = divmod(round(seconds / _MINUTE_S), 60)
    return f"{hours} h {minutes} min"
