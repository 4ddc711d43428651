"""A program that runs beside the benchmark: started, listened to, weighed from outside, and ended."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.command_line import ProgramError
from benchmarks.watch import pss_bytes

ROOT = Path(__file__).resolve().parents[2]
_ENDS_WITHIN_S = 15.0
_LOOK_EVERY_S = 0.1
_TAIL_LINES = 15
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """What a process has used of the machine: CPU seconds since its start, its memory now (PSS), its threads now."""

    cpu_s: float
    pss_bytes: int
    threads: int


class Program:
    """A running program, as a context manager. `lines`: the JSON objects that it wrote to standard output, in order."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        """`log`: the file for what it writes to standard error. `environment`: added to ours."""
        self.lines: list[dict[str, Any]] = []
        self._command, self._log = command, log
        self._environment = {**os.environ, **(environment or {})}

    def __enter__(self) -> Program:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def log(self) -> str:
        """What it wrote to standard error so far."""
        return self._log.read_text(errors="replace")

    def end(self) -> None:
        """Ask it to end, and kill it where it does not."""
        self._process.terminate()
        try:
            self._process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join()

    def until(self, holds: Callable[[], bool], patience_s: float) -> bool:
        """Wait until something holds; whether it does. Raises ProgramError with the end of its log where it ended."""
        until_s = time.monotonic() + patience_s
        while not holds():
            if self._process.poll() is not None:
                tail = "\n".join(self.log.splitlines()[-_TAIL_LINES:])
                raise ProgramError(f"{' '.join(self._command)} ended ({self._process.returncode}):\n{tail}")
            if time.monotonic() > until_s:
                return False
            time.sleep(_LOOK_EVERY_S)
        return True

    def usage(self) -> Usage:
        """What it has used."""
        process = Path(f"/proc/{self._process.pid}")
        # The name, in brackets, may hold anything; counted from behind it are user and system time, and threads.
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        return Usage((int(fields[11]) + int(fields[12])) / _TICKS_PER_S, pss_bytes(process), int(fields[17]))

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            # Some libraries greet on standard output.
            if line.startswith("{"):
                self.lines.append(json.loads(line))
