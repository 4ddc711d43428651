"""An output that fails is told of once, and the watch goes on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runtime.events.incident import Incident
from runtime.outputs.jsonl import JsonLines
from runtime.outputs.output import Output
from runtime.outputs.spare import Spare
from runtime.service.lines import Lines

INCIDENT = Incident("id", "yard", "frozen", "now")


def test_a_full_disk_ends_the_output_and_not_the_watch(tmp_path: Path) -> None:
    said: list[str] = []
    # A real device that is always full.
    spare = Spare(JsonLines("/dev/full"), "--jsonl /dev/full", Lines(said.append))
    for _ in range(3):
        spare.incident(INCIDENT)
    spare.close()
    (line,) = said
    assert os.strerror(28) in line
    assert "the watch goes on" in line


def test_what_can_be_written_is_passed_on(tmp_path: Path) -> None:
    spare = Spare(JsonLines(str(tmp_path / "lines.jsonl")), "", Lines(print))
    spare.incident(INCIDENT)
    spare.close()
    assert (tmp_path / "lines.jsonl").read_text().count("frozen") == 1


def test_a_reader_that_has_gone_ends_the_watch() -> None:
    class Gone(Output):
        def incident(self, incident: Incident) -> None:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        Spare(Gone(), "", Lines(print)).incident(INCIDENT)


def test_every_call_of_the_contract_is_passed_on() -> None:
    own = {name for name in vars(Output) if not name.startswith("_")}
    assert own <= set(vars(Spare))
