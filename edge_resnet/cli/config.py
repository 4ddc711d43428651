"""`edge-resnet config`: check cameras.yaml, its schema for editors, and an example to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_resnet.cli import options
from edge_resnet.command import Exit, answer_json

if TYPE_CHECKING:
    from runtime.config.document import Problem
    from runtime.config.load import Reading

app = typer.Typer(help="What is watched: check a cameras.yaml, or begin one.", no_args_is_help=True)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The configuration, such as cameras.yaml.")],
    bundle: Annotated[
        Path | None, typer.Option(help="Also check that this bundle has the alarms, and that the rates suit them.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Tell everything that is wrong with a configuration, a line each; exit code 2 if anything is.

    No camera is opened; edge-resnet doctor --config does that.
    """
    from edge_resnet.bundle import Bundle
    from edge_resnet.files import printable
    from runtime.config.load import read

    model = None if bundle is None else Bundle.open(bundle).model
    reading = read(file) if model is None else read(file, model.alarms, input=model.input)
    if json:
        answer_json(_answer(reading))
    else:
        for line in _lines(reading):
            typer.echo(printable(line))
    if reading.problems:
        raise typer.Exit(Exit.USER_MISTAKE)


@app.command()
def schema() -> None:
    """Print the JSON schema, with which editors complete and check a configuration."""
    from json import dumps

    from runtime.config.schema import schema as of_settings

    typer.echo(dumps(of_settings(), indent=2))


@app.command()
def example() -> None:
    """Print a configuration with every key, its unit and its default, to begin with."""
    from runtime.config.example import EXAMPLE

    typer.echo(EXAMPLE, nl=False)


def _lines(reading: Reading) -> list[str]:
    """What a person reads: problems and warnings with their places, else what there is."""
    lines = [problem.line(reading.file) for problem in reading.problems]
    if reading.partial:
        lines.append(f"{reading.file}: more may follow when these are mended")
    lines += [f"{warning.line(reading.file)} (warning)" for warning in reading.warnings]
    if reading.settings is not None:
        cameras = len(reading.settings.cameras())
        lines.append(f"{reading.file}: fine, {cameras} camera{'s' * (cameras != 1)} ({_sites(reading)})")
    return lines


def _sites(reading: Reading) -> str:
    assert reading.settings is not None
    return ", ".join(f"{len(site.cameras)} in {name}" for name, site in reading.settings.sites.items())


def _answer(reading: Reading) -> dict[str, Any]:
    return {
        "file": str(reading.file),
        "fine": not reading.problems,
        "cameras": [] if reading.settings is None else list(reading.settings.cameras()),
        "partial": reading.partial,
        "problems": [_problem(problem) for problem in reading.problems],
        "warnings": [_problem(warning) for warning in reading.warnings],
    }


def _problem(problem: Problem) -> dict[str, Any]:
    from runtime.config.finding import dotted

    place = problem.place
    return {
        "line": place and place.line,
        "column": place and place.column,
        "path": dotted(problem.path),
        "text": problem.text,
    }
