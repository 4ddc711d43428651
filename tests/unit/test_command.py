"""How commands end."""

import errno
import json

import pytest
import typer

from edge_resnet import command
from edge_resnet.errors import UserError


def run(function, *arguments: str) -> int:
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(function)
    return command.run(app, arguments)


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (UserError("x.jpg: empty\nfile"), 2, "edge-resnet: x.jpg: empty file\n"),
        (OSError(errno.ENOSPC, "No space left on device", "runs/a"), 2, "runs/a: No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied", b"runs/\xff"), 2, "Permission denied"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (typer.Exit(1), 1, ""),
    ],
)
def test_each_end_has_its_code_and_at_most_one_line(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, told: str
) -> None:
    def fail() -> None:
        raise error

    assert run(fail) == code
    printed = capsys.readouterr()
    assert told in printed.err
    assert printed.err.count("\n") <= 1
    assert printed.out == ""


def test_a_fault_of_ours_is_not_hidden() -> None:
    def fail() -> None:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        run(fail)


def test_an_unknown_option_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(lambda: None, "--nonsense") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_answer_is_one_json_object_whatever_is_in_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    command.answer_json({"path": "caf\udce9.jpg"})
    assert json.loads(capsys.readouterr().out) == {"path": "caf\udce9.jpg"}
    command.say("caf\udce9.jpg")
    assert capsys.readouterr().err == "caf\ufffd.jpg\n"
