"""`edge-resnet search`: better settings than the recipe's, by trying."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_resnet.cli import options
from edge_resnet.cli.finetune import asked_of
from edge_resnet.command import answer_json, say
from edge_resnet.environment import require
from edge_resnet.geometry import ResizePolicy

if TYPE_CHECKING:
    from edge_resnet.train.search import Found


def search(
    context: typer.Context,
    data: Annotated[Path, typer.Argument(help="Class folders, or train/ with val/ and/or test/ of those.")] = Path(
        "data"
    ),
    trials: Annotated[int, typer.Option(min=1, help="How many are finished in the end, by all workers together.")] = 30,
    storage: Annotated[
        str | None, typer.Option(help="Where all workers keep the study: sqlite:///FILE, postgresql://...")
    ] = None,
    study: Annotated[str, typer.Option(help="The study's name in the storage.")] = "edge-resnet",
    weights: Annotated[str, typer.Option(help="imagenet, imagenet-v1, none, or a file.")] = "imagenet",
    input: Annotated[str, typer.Option(metavar="HxW", help="The network's input in pixels.")] = "224x224",
    resize: Annotated[ResizePolicy, typer.Option(help="How a frame of another shape becomes the input.")] = "stretch",
    epochs: Annotated[int | None, typer.Option(min=1, help="Of each trial, unless it is stopped early.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Pictures a step.")] = None,
    device: options.Device = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Of the split, the order and the search.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="By default runs/NAME-search.")] = None,
    json: options.Json = False,
) -> None:
    """Search hyper-parameters on validation; interrupted or beside other workers, the same command goes on."""
    require("torch", "torchvision", "safetensors", "imagehash", "scikit-learn", "optuna", extra="train")
    from edge_resnet import runs
    from edge_resnet.progress import Narrator
    from edge_resnet.train.search import search as run

    folder = out or runs.RUNS / f"{data.resolve().name}-search"
    place = storage or f"sqlite:///{(folder / 'study.db').resolve()}"
    say(f"study {study} in {place}")
    found = run(asked_of(context.params), trials, place, study, folder, Narrator())
    if json:
        answer_json(found.to_json())
    else:
        _print_table(found, folder)


def _print_table(found: Found, folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    rows = found.to_json()
    table = Table("", "trial", "accuracy", "95% interval", title=f"on {found.validation_pictures} validation pictures")
    for name in ("recipe", "best"):
        if (row := rows[name]) is not None:
            low, high = row["accuracy"]["interval_95"]
            table.add_row(name, str(row["number"]), f"{row['accuracy']['share']:.1%}", f"{low:.1%} to {high:.1%}")
    Console().print(table)
    say(f"the best of {len(found.trials)} trials is partly luck: judge it on test pictures, once. See {folder}/*.png")
    say(f"next: {found.command}")
