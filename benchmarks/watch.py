"""Runs a training program, and watches from outside when accuracies are known and how much memory it takes."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.command_line import ProgramError

_LOOK_EVERY_S, _WEIGH_EVERY_S = 0.05, 0.5
_TAIL_LINES = 15


@dataclass(frozen=True)
class Epoch:
    """An epoch: its number, the seconds of its training part, the accuracy on validation after it."""

    number: int
    seconds: float
    accuracy: float


@dataclass(frozen=True)
class Program:
    """A program that trains: its command, the file that appears when its work begins, and how its epochs are read."""

    name: str
    command: Sequence[str]
    begins_with: Path
    epochs: Callable[[], list[Epoch]]
    log: Path


@dataclass(frozen=True)
class Run:
    """What was seen.

    `known_s`: seconds from the program's start until each epoch's accuracy was known; `begun_s`: until its work began;
    `peak_bytes`: the largest proportional set size (PSS) of all its processes together.
    """

    epochs: tuple[Epoch, ...]
    known_s: tuple[float, ...]
    begun_s: float
    peak_bytes: int

    @property
    def accuracy(self) -> float:
        """The best accuracy on validation."""
        return max(epoch.accuracy for epoch in self.epochs)

    @property
    def work_s(self) -> float:
        """From the begin of its work, libraries loaded and network made, until the last accuracy was known."""
        return self.known_s[-1] - self.begun_s

    def seconds_to(self, accuracy: float) -> float:
        """From the program's start until that accuracy was first known to be reached."""
        return next(at for epoch, at in zip(self.epochs, self.known_s, strict=True) if epoch.accuracy >= accuracy)


def watch(program: Program) -> Run:
    """Run a program to its end. Raises ProgramError with the end of its log when it fails."""
    started, begun, weighed, peak = time.perf_counter(), 0.0, 0.0, 0
    known: list[float] = []
    with program.log.open("wb") as log:
        process = subprocess.Popen(program.command, stdout=log, stderr=log, start_new_session=True)
        try:
            running = True
            while running:
                running = process.poll() is None
                now = time.perf_counter() - started
                if not begun and program.begins_with.exists():
                    begun = now
                known += [now] * (len(program.epochs()) - len(known))
                if now - weighed >= _WEIGH_EVERY_S:
                    peak, weighed = max(peak, _weight_bytes(process.pid)), now
                time.sleep(_LOOK_EVERY_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if process.returncode or not known:
        tail = "\n".join(program.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])
        raise ProgramError(f"{program.name} failed ({process.returncode}):\n{tail}")
    return Run(tuple(program.epochs()), tuple(known), begun, peak)


def edge_resnet(data: Path, weights: str, folder: Path, options: Sequence[str]) -> Program:
    """This program, as a user runs it."""
    run = folder / "run"
    command = [sys.executable, "-m", "edge_resnet", "finetune", str(data), "--weights", weights, "--out", str(run)]

    def epochs() -> list[Epoch]:
        path = run / "metrics.csv"
        if not path.is_file():
            return []
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return [Epoch(int(row["epoch"]), float(row["seconds"]), float(row["val_accuracy"])) for row in rows]

    return Program("edge-resnet", [*command, *options], run / "args.yaml", epochs, folder / "log.txt")


def peer(name: str, python: str, module: str, folder: Path, options: Sequence[str]) -> Program:
    """A peer of benchmarks.peers, under a Python of its own choice."""
    lines = folder / "lines.jsonl"
    command = [python, "-m", f"benchmarks.peers.{module}", "--lines", str(lines), *options]

    def epochs() -> list[Epoch]:
        text = lines.read_text(encoding="utf-8") if lines.is_file() else ""
        # The last line may be half written.
        told = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
        return [Epoch(row["epoch"], row["seconds"], row["val_accuracy"]) for row in told if "epoch" in row]

    return Program(name, command, lines, epochs, folder / "log.txt")


def _weight_bytes(session: int) -> int:
    """PSS of all processes of a session: memory that several share counts once."""
    return sum(pss_bytes(path) for path in Path("/proc").glob("[0-9]*") if _session(path) == session)


def _session(process: Path) -> int:
    try:
        # The name, in brackets, may hold anything; session is the fourth field behind it.
        return int((process / "stat").read_text().rpartition(")")[2].split()[3])
    except (OSError, ValueError, IndexError):
        return -1


def pss_bytes(process: Path) -> int:
    """The proportional set size of a process, by its folder in /proc; 0 when it is gone."""
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:")), 0)
