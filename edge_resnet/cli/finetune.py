"""`edge-resnet finetune`: from folders of pictures to a trained model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_resnet.cli import options
from edge_resnet.command import Exit, answer_json, say
from edge_resnet.environment import require
from edge_resnet.errors import UserError
from edge_resnet.geometry import ResizePolicy
from edge_resnet.train.recipe import Augmentation, Balance, OptimizerName, Tune

if TYPE_CHECKING:
    from edge_resnet.train.args import Args

# The fields of Args that an option sets, where the names differ.
_FIELDS = {"input": ("height", "width")}
_HOW = "How it trains (the recipe chooses what is left out)"
_OTHER = "Instead of one model"


def finetune(
    context: typer.Context,
    data: Annotated[Path, typer.Argument(help="Class folders, or train/ with val/ and/or test/ of those.")] = Path(
        "data"
    ),
    weights: Annotated[
        str, typer.Option(help="imagenet (torchvision's V2), imagenet-v1, none, or a .pth or .safetensors file.")
    ] = "imagenet",
    input: Annotated[str, typer.Option(metavar="HxW", help="The network's input in pixels.")] = "224x224",
    resize: Annotated[ResizePolicy, typer.Option(help="How a frame of another shape becomes the input.")] = "stretch",
    background: Annotated[
        str | None, typer.Option(help="Classes that never alarm, comma separated; by default by their names.")
    ] = None,
    wanted_precision: Annotated[
        float | None, typer.Option(help="Set alarm thresholds so that this share of what is over them is right.")
    ] = None,
    false_alarm_rate: Annotated[
        float | None, typer.Option(help="Set them so that at most this share of other pictures is over them.")
    ] = None,
    audit: Annotated[bool, typer.Option(help="Look for what is wrong with the pictures before training.")] = True,
    device: options.Device = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Of the split, the order and the augmentation.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The run's folder; by default runs/NAME.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what lies in --out (or the newest run).")
    ] = False,
    save_every: Annotated[float, typer.Option(min=0, help="Seconds between saved states inside an epoch.")] = 120.0,
    json: options.Json = False,
    tune: Annotated[
        Tune, typer.Option(help="What trains: head, bn (batch norm and head), last-stage, all.", rich_help_panel=_HOW)
    ] = "all",
    epochs: Annotated[
        int | None, typer.Option(min=0, help="Of fine-tuning, the probe not counted.", rich_help_panel=_HOW)
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Pictures a step and process.", rich_help_panel=_HOW)] = None,
    accumulate: Annotated[
        int, typer.Option(min=1, help="Train a batch in so many parts, to save memory.", rich_help_panel=_HOW)
    ] = 1,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate, of the head.", rich_help_panel=_HOW)] = None,
    optimizer: Annotated[
        OptimizerName | None, typer.Option(help="By default sgd, from nothing adamw.", rich_help_panel=_HOW)
    ] = None,
    weight_decay: Annotated[
        float | None, typer.Option(min=0, help="Of kernels; never of batch norm and biases.", rich_help_panel=_HOW)
    ] = None,
    stage_decay: Annotated[
        float | None, typer.Option(min=0, max=1, help="A stage's rate over the next one's.", rich_help_panel=_HOW)
    ] = None,
    dropout: Annotated[
        float | None, typer.Option(min=0, max=0.9, help="Of the features before the head.", rich_help_panel=_HOW)
    ] = None,
    label_smoothing: Annotated[
        float | None, typer.Option(min=0, max=0.9, help="Certainty given to other classes.", rich_help_panel=_HOW)
    ] = None,
    augment: Annotated[
        Augmentation | None,
        typer.Option(help="full: crops, flips, light; flip: the default from nothing.", rich_help_panel=_HOW),
    ] = None,
    mixup: Annotated[
        float | None, typer.Option(min=0, help="Alpha; 0 mixes no pictures.", rich_help_panel=_HOW)
    ] = None,
    cutmix: Annotated[float, typer.Option(min=0, help="Alpha; 0 pastes no pictures.", rich_help_panel=_HOW)] = 0.0,
    balance: Annotated[Balance | None, typer.Option(help="How rare classes are heard.", rich_help_panel=_HOW)] = None,
    ema: Annotated[
        float | None, typer.Option(min=0, max=0.99999, help="Keep a moving average of weights.", rich_help_panel=_HOW)
    ] = None,
    patience: Annotated[
        int | None, typer.Option(min=1, help="Epochs without a better one before it stops.", rich_help_panel=_HOW)
    ] = None,
    hold_out_group: Annotated[
        bool, typer.Option("--hold-out-group", help="Cross-validate: each camera once unseen.", rich_help_panel=_OTHER)
    ] = False,
    folds: Annotated[
        int | None, typer.Option(min=2, help="Cross-validate in so many parts.", rich_help_panel=_OTHER)
    ] = None,
    self_test: Annotated[
        bool, typer.Option("--self-test", help="Show that a killed run resumes exactly.", rich_help_panel=_OTHER)
    ] = False,
) -> None:
    """Fine-tune ResNet-50 on folders of pictures.

    On several GPUs or machines: torchrun --nproc-per-node N -m edge_resnet finetune DATA --out RUN
    """
    require("torch", "torchvision", "safetensors", "imagehash", "scikit-learn", "cleanlab", extra="train")
    from edge_resnet.train import finetune as training

    if lr is not None and not lr > 0:
        raise UserError(f"--lr {lr}: must be over 0")
    if self_test:
        _self_test(json)
        return
    asked = asked_of(context.params)
    folder = _folder(out, data, resume)
    if _is_first():
        training.prepare_folder(folder, resume)
    if resume:
        asked = _as_begun(context, asked, folder)
    if hold_out_group or folds is not None:
        _cross_validate(asked, None if hold_out_group else folds, folder, json)
        return
    report = training.finished_report(folder) if resume else None
    if report is None:
        report = _train(asked, folder, audit)
    else:
        say(f"{folder}: this run is complete, nothing is left to do")
    if report is None:
        return
    if json:
        answer_json(report)
    else:
        _print_tables(report, folder)
    if any(alarm["refused"] and alarm["wished_by_user"] for alarm in report["alarms"]):
        raise typer.Exit(Exit.VERDICT_NO)


def asked_of(given: Mapping[str, Any]) -> Args:
    """The options of a command as Args, whose fields are named as the options are. Raises UserError."""
    from edge_resnet.train.args import Args

    height, width = options.size(given["input"])
    own = {"data": str(given["data"]), "height": height, "width": width}
    names = options.names(given.get("background"))
    fields = {name: value for name, value in given.items() if name in Args.model_fields}
    return Args.model_validate({**fields, **own, "background": names})


def _train(asked: Args, folder: Path, audit: bool) -> dict[str, Any] | None:
    from edge_resnet.audit.run import inspect
    from edge_resnet.progress import Narrator
    from edge_resnet.train import finetune as training

    if _is_first():
        say(f"run: {folder}")
    try:
        return training.finetune(asked, folder, Narrator(), inspect if audit else None)
    except KeyboardInterrupt:
        if _is_first():
            say(f"interrupted; go on with: edge-resnet finetune --resume --out {folder}")
        raise


def _self_test(json: bool) -> None:
    from edge_resnet.train.selftest import self_test

    result = self_test(say)
    if json:
        answer_json(result.to_json())
    else:
        killed = ", ".join(f"epoch {epoch} step {step}" for epoch, step in result.killed_at)
        say(f"killed at {killed}; last weights {'identical' if result.passed else 'DIFFER'} ({result.resumed[:12]})")
    if not result.passed:
        raise typer.Exit(Exit.VERDICT_NO)


def _cross_validate(asked: Args, folds: int | None, folder: Path, json: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from edge_resnet.progress import Narrator
    from edge_resnet.train.crossval import cross_validate

    say(f"run: {folder}")
    try:
        found = cross_validate(asked, folds, folder, Narrator())
    except KeyboardInterrupt:
        say(f"interrupted; go on by the same command with --resume --out {folder}")
        raise
    if json:
        answer_json(found.to_json())
        return
    table = Table("held out", "pictures", "accuracy", "95% interval", title=f"each {found.unit} once unseen")
    for fold in found.folds:
        table.add_row(fold.name, str(fold.judged), str(fold.share), fold.share.range)
    for name, share in found.pooled.items():
        table.add_row(f"all, {name}", str(share.n), str(share), share.range)
    Console().print(table)
    for line in found.conclusions:
        say(f"- {line}")


def _is_first() -> bool:
    """Whether this is the process that writes and tells, of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def _folder(out: Path | None, data: Path, resume: bool) -> Path:
    from edge_resnet import runs

    if out is None and os.environ.get("WORLD_SIZE", "1") != "1":
        raise UserError("torchrun: name the run's folder with --out, so that all processes take the same")
    return out or (runs.newest_begun() if resume else runs.new_run(data))


def _as_begun(context: typer.Context, asked: Args, folder: Path) -> Args:
    """The options that the run began with; an option given now must say the same. Raises UserError."""
    from edge_resnet.train import args as arguments

    begun, _ = arguments.load(folder)
    for option in context.params:
        source = context.get_parameter_source(option)
        for field in _FIELDS.get(option, (option,)):
            if source is None or source.name != "COMMANDLINE" or field not in type(begun).model_fields:
                continue
            if getattr(begun, field) != getattr(asked, field):
                raise UserError(
                    f"--{option.replace('_', '-')} {getattr(asked, field)}: {folder} began with "
                    f"{getattr(begun, field)}; leave it out to go on, or start a new run in another --out"
                )
    return begun


def _print_tables(report: dict[str, Any], folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", "accuracy", "95% interval", "pictures", title=f"on {report['judged_on']}")
    for stage in report["stages"]:
        low, high = stage["interval_95"]
        table.add_row(stage["stage"], f"{stage['accuracy']:.1%}", f"{low:.1%} to {high:.1%}", str(stage["n"]))
    Console().print(table)
    for number, conclusion in enumerate(report["conclusions"]):
        if number == 0 or conclusion["tone"] != "good":
            say(f"- {conclusion['text']}")
    say(f"all figures, and the worst mistakes: {folder / 'report.html'}")
    say(f"next: edge-resnet export --fp16 {folder}")
