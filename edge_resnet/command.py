"""How every command ends: exit codes, one line for a mistake, one JSON object for --json, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from enum import IntEnum
from typing import Any, NoReturn

import typer
from typer.exceptions import TyperException

from edge_resnet import environment, files
from edge_resnet.errors import UserError

_left_behind: list[threading.Thread] = []


class Exit(IntEnum):
    """The exit codes of all commands."""

    FINE = 0
    VERDICT_NO = 1
    USER_MISTAKE = 2
    INTERRUPTED = 130


def run(app: typer.Typer, arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; a user's mistake becomes one line on standard error.

    Packages that must not be installed together are such a mistake, whatever the command.
    """
    try:
        environment.check()
        code = app(list(arguments) if arguments is not None else None, standalone_mode=False)
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    except TyperException as error:
        # What typer passes on of a choice begins with pydantic's words for it.
        message = error.format_message().replace("Value error, ", "")
        return _mistake(f"{message} (--help shows what there is)")
    except UserError as error:
        return _mistake(str(error))
    except BrokenPipeError:
        # The reader of our output (head, say) has gone; keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FINE
    except OSError as error:
        if error.filename is None and error.errno is None:
            raise
        where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        return _mistake(f"{where}{error.strerror or error}; nothing was left half-written")
    if code == Exit.INTERRUPTED:
        say("interrupted")
    return int(code or Exit.FINE)


def leave_behind(threads: Iterable[threading.Thread]) -> None:
    """Threads that hang in a library (a dead camera's, a broken engine's), and cannot be ended."""
    _left_behind.extend(threads)


def leave(code: int) -> NoReturn:
    """End the process with an exit code. Call it last.

    Threads that were left behind are not waited for: woken while Python shuts down, they would end the process with
    SIGABRT.
    """
    if any(thread.is_alive() for thread in _left_behind):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def say(text: str) -> None:
    """Tell the person at the terminal something, on standard error."""
    # A file name may hold bytes that are no UTF-8: show them as the replacement character.
    print(files.printable(text), file=sys.stderr, flush=True)  # noqa: T201


def answer_json(value: dict[str, Any]) -> None:
    """Print the answer of a command with --json: one object on standard output."""
    sys.stdout.write(json.dumps(value, allow_nan=False) + "\n")
    sys.stdout.flush()


def _mistake(line: str) -> int:
    say("edge-resnet: " + " ".join(line.split()))
    return Exit.USER_MISTAKE
