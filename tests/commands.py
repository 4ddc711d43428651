"""Running the command line inside the test's own process, which saves the start of torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from edge_resnet import command
from edge_resnet.cli.app import app


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> dict[str, Any]:
        """The one JSON object on standard output."""
        answer: dict[str, Any] = json.loads(self.out)
        return answer

    @property
    def mistake(self) -> str:
        """The one line that tells the user's mistake; the exit code must be 2 and nothing may look like a traceback."""
        assert self.code == command.Exit.USER_MISTAKE, self
        assert "Traceback" not in self.err
        (line,) = [line for line in self.err.splitlines() if line.startswith("edge-resnet: ")]
        return line.removeprefix("edge-resnet: ")


def edge_resnet(capsys: pytest.CaptureFixture[str], *arguments: object) -> Outcome:
    """Run `edge-resnet ARGUMENTS`."""
    capsys.readouterr()
    code = command.run(app, [str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return Outcome(code, printed.out, printed.err)
