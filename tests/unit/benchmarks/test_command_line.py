"""How benchmarks end: with the exit codes of edge-resnet, and one line for a mistake."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from benchmarks.command_line import ProgramError, exit_code, python
from edge_resnet.errors import UserError


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (UserError("bundle: not there"), 2, "edge-resnet: bundle: not there\n"),
        # The end of a log is told as it is.
        (ProgramError("it ended (1):\none\ntwo"), 2, "it ended (1):\none\ntwo\n"),
    ],
)
def test_each_end_has_its_code_and_no_traceback(
    error: BaseException, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise error

    assert exit_code(fail) == code
    assert capsys.readouterr() == ("", told)


@pytest.mark.parametrize(("answer", "code"), [(None, 0), (0, 0), (1, 1)])
def test_what_a_benchmark_answers_is_its_code(answer: int | None, code: int) -> None:
    assert exit_code(lambda: answer) == code


def test_a_fault_of_ours_is_not_hidden() -> None:
    def fail() -> int:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        exit_code(fail)


@pytest.mark.parametrize("name", ["inference", "stream"])
def test_a_mistaken_option_is_one_line(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    benchmark = importlib.import_module(f"benchmarks.{name}")
    monkeypatch.setattr(sys, "argv", ["x", "bundle", "--rounds", "0"])
    with pytest.raises(SystemExit) as end:
        exit_code(benchmark.main)
    assert end.value.code == 2
    assert capsys.readouterr().err == (
        f"python -m benchmarks.{name}: argument --rounds: 0: must be a whole number, at least 1 (--help shows what "
        "there is)\n"
    )


def test_the_python_of_an_environment_stays_the_link_that_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.chdir(tmp_path)
    assert python("bin/python") == str(tmp_path / "bin" / "python")
