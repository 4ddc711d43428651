"""`edge-resnet data`: public data sets, laid out as the other commands take them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge_resnet.cli import options
from edge_resnet.command import answer_json, say

app = typer.Typer(help="Lay out a public data set as class folders.", no_args_is_help=True)


# A group of commands needs this while it has only one.
@app.callback()
def group() -> None:
    """Lay out a public data set as class folders."""


@app.command()
def cifar10(
    folder: Annotated[Path, typer.Argument(help="Where train/CLASS and test/CLASS are written.")],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="DIR",
            help="Do not download: a folder with cifar-10-binary.tar.gz, its .bin files, or train/ and test/ folders.",
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """CIFAR-10: 60,000 pictures of 32x32 in ten classes (162 MB to download, 240 MB on disk).

    Run again after an interruption, it goes on; what is complete is left as it is.
    """
    from edge_resnet.data.cifar10 import lay_out
    from edge_resnet.progress import Narrator

    layout = lay_out(folder, source, Narrator())
    if not layout.written:
        say(f"{folder}: complete already, nothing is left to do")
    if json:
        answer_json(
            {
                "folder": str(layout.folder),
                "source": layout.source,
                "pictures": layout.pictures,
                "written": layout.written,
            }
        )
    else:
        told = ", ".join(f"{sum(counts.values())} {split}" for split, counts in layout.pictures.items())
        say(f"{folder}: {told} pictures, from {layout.source}")
        say(f"next: edge-resnet finetune {folder}")
