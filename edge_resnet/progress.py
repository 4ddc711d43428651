"""Live progress on standard error: bars at a terminal, a line a stage elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from edge_resnet.command import say

Step = Callable[[int, int], None]


class Narrator:
    """Tells what goes on while a long command runs; `quiet` tells nothing (mistakes are still told)."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._console = Console(stderr=True)

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
        started = time.monotonic()
        if self._console.is_terminal:
            with self._bar() as bar:
                task = bar.add_task(name, total=None)
                yield lambda done, total: bar.update(task, completed=done, total=total)
        else:
            yield lambda done, total: None
        say(f"{name}: {time.monotonic() - started:.1f} s")

    @contextmanager
    def stages(self) -> Iterator[Callable[[str, int, int], None]]:
        """Show several stages, named as they come: the block calls `step(name, done, total)`."""
        if self._quiet:
            yield lambda name, done, total: None
            return
        if not self._console.is_terminal:
            lines = _StageLines()
            yield lines.step
            lines.end()
            return
        tasks: dict[str, TaskID] = {}
        with self._bar() as bar:

            def step(name: str, done: int, total: int) -> None:
                if name not in tasks:
                    tasks[name] = bar.add_task(name)
                bar.update(tasks[name], completed=done, total=total)

            yield step

    def _bar(self) -> Progress:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        return Progress(*columns, console=self._console, transient=True)


class _StageLines:
    """A line for each stage when the next one begins: its name and how long it took."""

    def __init__(self) -> None:
        self._name: str | None = None
        self._started = time.monotonic()

    def step(self, name: str, _done: int, _total: int) -> None:
        if name != self._name:
            self.end()
            self._name = name

    def end(self) -> None:
        now = time.monotonic()
        if self._name is not None:
            say(f"{self._name}: {now - self._started:.1f} s")
        self._name, self._started = None, now
