"""How every benchmark is asked and ends: as `edge-resnet` does, a mistake is one line, and Ctrl-C is 130."""

from __future__ import annotations

import argparse
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import typer

from edge_resnet import command


class ProgramError(RuntimeError):
    """A program that a benchmark started has failed; with the end of what it said, which may be several lines."""


class Parser(argparse.ArgumentParser):
    """`name`: of the benchmark's module in this package. `text`: what --help says before its options."""

    def __init__(self, name: str, text: str | None) -> None:
        super().__init__(
            prog=f"python -m benchmarks.{name}",
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def error(self, message: str) -> NoReturn:
        """One line: the usage of a benchmark takes ten."""
        self.exit(command.Exit.USER_MISTAKE, f"{self.prog}: {message} (--help shows what there is)\n")

    def not_beside_quick(self, args: argparse.Namespace, *names: str) -> None:
        """Refuse options, None where they were not given, that --quick would pass over."""
        given = [f"--{name}" for name in names if args.quick and getattr(args, name) is not None]
        if given:
            self.error(f"--quick has a plan of its own: leave out {' and '.join(given)}, or --quick")


def exit_code(main: Callable[[], int | None]) -> int:
    """What it ends with; a user's mistake becomes one line on standard error, and so does Ctrl-C."""

    def benchmark() -> int:
        try:
            return main() or command.Exit.FINE
        except ProgramError as error:
            command.say(str(error))
            return command.Exit.USER_MISTAKE

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(benchmark)
    return command.run(app, [])


def _number(kind: Callable[[str], float], holds: Callable[[float], bool], wanted: str) -> Callable[[str], float]:
    def number(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not holds(value):
            raise argparse.ArgumentTypeError(f"{text}: must be {wanted}")
        return value

    return number


# Types of options, for `type=`.
count = _number(int, lambda value: value >= 1, "a whole number, at least 1")
seconds = _number(float, lambda value: 0.0 < value < math.inf, "seconds, over 0")
seconds_or_none = _number(float, lambda value: 0.0 <= value < math.inf, "seconds, at least 0")
rate = _number(float, lambda value: 0.0 < value < math.inf, "a number over 0")
share = _number(float, lambda value: 0.0 < value <= 1.0, "over 0 and at most 1")
probability = _number(float, lambda value: 0.0 <= value <= 1.0, "from 0 to 1")


def python(text: str) -> str:
    """The path of a program from anywhere. A link stays one: an environment's Python is such a link."""
    found = shutil.which(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text}: no program that can be run; name the Python of an environment")
    return str(Path(found).absolute())


def picture(text: str) -> Path:
    """The file of a picture that can be written."""
    from matplotlib.backend_bases import FigureCanvasBase

    path, kinds = Path(text), sorted(FigureCanvasBase.get_supported_filetypes())
    if path.suffix.lower().removeprefix(".") not in kinds:
        raise argparse.ArgumentTypeError(f"{text}: no kind of picture that can be written ({', '.join(kinds)})")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text}: there is no folder {path.parent}")
    return path
