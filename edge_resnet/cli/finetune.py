"""`edge-resnet finetune`: from folders of pictures to a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_resnet.cli import options
from edge_resnet.command import answer_json, say
from edge_resnet.environment import require
from edge_resnet.errors import UserError
from edge_resnet.geometry import ResizePolicy
from edge_resnet.train.recipe import Augmentation, OptimizerName

if TYPE_CHECKING:
    from edge_resnet.train.args import Args

# The fields of Args that an option sets, where the names differ.
_FIELDS = {"input": ("height", "width")}


def finetune(
    context: typer.Context,
    data: Annotated[Path, typer.Argument(help="Class folders, or train/ with val/ and/or test/ of those.")] = Path(
        "data"
    ),
    weights: Annotated[str, typer.Option(help="imagenet, none, or a .pth or .safetensors file.")] = "imagenet",
    input: Annotated[str, typer.Option(metavar="HxW", help="The network's input in pixels.")] = "224x224",
    resize: Annotated[ResizePolicy, typer.Option(help="How a frame of another shape becomes the input.")] = "stretch",
    epochs: Annotated[int | None, typer.Option(min=0, help="Of fine-tuning, the probe not counted.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Pictures a step.")] = None,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    optimizer: Annotated[OptimizerName | None, typer.Option(help="By default sgd, from nothing adamw.")] = None,
    augment: Annotated[
        Augmentation | None, typer.Option(help="full: crops, flips, light; flip alone is the default from nothing.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the split, the order and the augmentation.")] = 0,
    device: options.Device = "auto",
    background: Annotated[
        str | None, typer.Option(help="Classes that never alarm, comma separated; by default by their names.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The run's folder; by default runs/NAME.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what lies in --out (or the newest run).")
    ] = False,
    json: options.Json = False,
) -> None:
    """Fine-tune ResNet-50 on folders of pictures."""
    require("torch", "torchvision", "safetensors", "imagehash", extra="train")
    from edge_resnet import runs
    from edge_resnet.progress import Narrator
    from edge_resnet.train import finetune as training
    from edge_resnet.train.args import Args

    if lr is not None and not lr > 0:
        raise UserError(f"--lr {lr}: must be over 0")
    height, width = options.size(input)
    asked = Args(
        data=str(data),
        weights=weights,
        height=height,
        width=width,
        resize=resize,
        epochs=epochs,
        batch=batch,
        lr=lr,
        optimizer=optimizer,
        augment=augment,
        seed=seed,
        device=device,
        background=options.names(background),
    )
    folder = out or (runs.newest_begun() if resume else runs.new_run(data))
    training.prepare_folder(folder, resume)
    if resume:
        asked = _as_begun(context, asked, folder)
    report = training.finished_report(folder) if resume else None
    if report is None:
        say(f"run: {folder}")
        try:
            report = training.finetune(asked, folder, Narrator())
        except KeyboardInterrupt:
            say(f"interrupted; go on with: edge-resnet finetune --resume --out {folder}")
            raise
    else:
        say(f"{folder}: this run is complete, nothing is left to do")
    if json:
        answer_json(report)
    else:
        _print_table(report, folder)


def _as_begun(context: typer.Context, asked: Args, folder: Path) -> Args:
    """The options that the run began with; an option given now must say the same. Raises UserError."""
    from edge_resnet.train import args as arguments

    begun = arguments.load(folder)
    for option in context.params:
        source = context.get_parameter_source(option)
        for field in _FIELDS.get(option, (option,)):
            if source is None or source.name != "COMMANDLINE" or field not in type(begun).model_fields:
                continue
            if getattr(begun, field) != getattr(asked, field):
                raise UserError(
                    f"--{option} {getattr(asked, field)}: {folder} began with {getattr(begun, field)}; "
                    "leave it out to go on, or start a new run in another --out"
                )
    return begun


def _print_table(report: dict[str, Any], folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", "accuracy", "95% interval", "pictures", title=f"on {report['judged_on']}")
    for stage in report["stages"]:
        low, high = stage["interval_95"]
        table.add_row(stage["stage"], f"{stage['accuracy']:.1%}", f"{low:.1%} to {high:.1%}", str(stage["n"]))
    Console().print(table)
    say(f"next: edge-resnet export --fp16 {folder}")
