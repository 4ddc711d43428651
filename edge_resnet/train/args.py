"""What a run was asked for and what was chosen: args.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from edge_resnet import files, runs
from edge_resnet.device import Device
from edge_resnet.errors import UserError
from edge_resnet.geometry import ResizePolicy
from edge_resnet.manifest import InputSpec, ModelSpec, default_alarms, default_background
from edge_resnet.train import recipe
from edge_resnet.train.recipe import Augmentation, Balance, OptimizerName, Tune

FILE = runs.ARGS
_SAVE_EVERY_S = 120.0


class Args(BaseModel):
    """The options of `edge-resnet finetune`; None means that the recipe chooses."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: str
    weights: str = "imagenet"
    height: int = 224
    width: int = 224
    resize: ResizePolicy = "stretch"
    tune: Tune = "all"
    epochs: int | None = None
    batch: int | None = None
    accumulate: int = 1
    lr: float | None = None
    optimizer: OptimizerName | None = None
    weight_decay: float | None = None
    stage_decay: float | None = None
    dropout: float | None = None
    label_smoothing: float | None = None
    augment: Augmentation | None = None
    mixup: float | None = None
    cutmix: float = 0.0
    balance: Balance | None = None
    ema: float | None = None
    patience: int | None = None
    seed: int = 0
    device: str = "auto"
    # None: by the names of the classes.
    background: tuple[str, ...] | None = None
    # What alarms should reach on validation; None: the default wish.
    wanted_precision: float | None = None
    false_alarm_rate: float | None = None
    save_every: float = _SAVE_EVERY_S

    @property
    def pretrained(self) -> bool:
        """Whether the body starts from weights that have seen pictures."""
        return self.weights != "none"


class Settings(BaseModel):
    """The numbers that training runs with: the user's where given, the recipe's else.

    `batch`: pictures a step and process, taken in `accumulate` parts one after another.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tune: Tune
    epochs: int
    batch: int
    accumulate: int
    lr: float
    optimizer: OptimizerName
    weight_decay: float
    stage_decay: float
    dropout: float
    label_smoothing: float
    augment: Augmentation
    mixup: float
    cutmix: float
    balance: Balance
    ema: float
    warmup_share: float
    freeze_batch_norm: bool
    patience: int
    workers: int
    seed: int
    save_every: float

    def describe(self) -> str:
        """What was chosen, for people."""
        told = [
            *(f"tune {self.tune}", f"{self.epochs} epochs", f"batch {self.batch}", f"learning rate {self.lr:g}"),
            *(f"{self.optimizer}", f"decay {self.weight_decay:g}", f"stage decay {self.stage_decay:g}"),
            *(f"dropout {self.dropout:g}", f"label smoothing {self.label_smoothing:g}", f"augmentation {self.augment}"),
            f"batch-norm statistics {'frozen' if self.freeze_batch_norm else 'trained'}",
        ]
        told += [f"{self.accumulate} parts a step"] if self.accumulate > 1 else []
        told += [f"mixup {self.mixup:g}"] if self.mixup else []
        told += [f"cutmix {self.cutmix:g}"] if self.cutmix else []
        told += [f"classes balanced by {self.balance}"] if self.balance != "none" else []
        told += [f"moving average {self.ema:g}"] if self.ema else []
        return ", ".join(told)


def settle(args: Args, counts: Sequence[int], device: Device, processes: int = 1) -> Settings:
    """Fill in what the user left open; `counts`: training pictures of each class."""
    pictures = sum(counts)
    pretrained = args.pretrained
    epochs = _or(args.epochs, 0 if args.tune == "head" and pretrained else recipe.epochs(pretrained))
    fits = recipe.batch(pictures // processes, args.height * args.width, device.memory_bytes)
    batch = args.batch or max(1, min(fits, pictures // processes))
    optimizer = args.optimizer or recipe.optimizer(pretrained)
    return Settings(
        tune=args.tune,
        epochs=epochs,
        batch=batch,
        accumulate=min(args.accumulate, batch),
        lr=args.lr or recipe.lr(batch * processes, optimizer),
        optimizer=optimizer,
        weight_decay=_or(args.weight_decay, recipe.weight_decay(optimizer)),
        stage_decay=_or(args.stage_decay, recipe.stage_decay(pretrained)),
        dropout=_or(args.dropout, recipe.dropout(pictures, pretrained)),
        label_smoothing=_or(args.label_smoothing, recipe.label_smoothing(len(counts))),
        augment=args.augment or recipe.augmentation(pretrained),
        mixup=_or(args.mixup, recipe.mixup(pictures)),
        cutmix=args.cutmix,
        balance=args.balance or recipe.balance(max(counts), min(counts)),
        ema=_or(args.ema, recipe.ema(epochs * pictures // (batch * processes))),
        warmup_share=recipe.warmup_share(pretrained),
        freeze_batch_norm=recipe.freeze_batch_norm(pictures, pretrained),
        patience=_or(args.patience, recipe.patience(epochs)),
        workers=recipe.loader_workers(device.is_gpu),
        seed=args.seed,
        save_every=args.save_every,
    )


def specification(args: Args, labels: tuple[str, ...]) -> ModelSpec:
    """What the model will be: labels, background, input, alarms with their first thresholds. Raises UserError."""
    background = default_background(labels) if args.background is None else args.background
    if unknown := sorted(set(background) - set(labels)):
        raise UserError(f"--background {', '.join(unknown)}: no such class; the classes are {', '.join(labels)}")
    if len(background) == len(labels):
        raise UserError(f"--background {', '.join(background)}: leaves no class that could alarm")
    inputs = InputSpec(height=args.height, width=args.width, resize=args.resize)
    return ModelSpec(labels=labels, background=background, input=inputs, alarms=default_alarms(labels, background))


def _or(given: Any, chosen: Any) -> Any:
    return chosen if given is None else given


def save(folder: Path, args: Args, settings: Settings | None, device: str) -> None:
    """Write args.yaml: what was asked, and what was chosen."""
    chosen = {} if settings is None else settings.model_dump(mode="json")
    content = {"asked": args.model_dump(mode="json"), "chosen": chosen, "device": device}
    files.write_text(folder / FILE, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def load(folder: Path) -> tuple[Args, Settings | None]:
    """Read back what a run was asked for, and what was chosen if it came that far. Raises UserError.

    What was chosen holds also on a machine where the recipe would choose otherwise.
    """
    path = folder / FILE
    if not path.is_file():
        raise UserError(f"{folder}: no run to go on with ({FILE} is missing); leave out --resume to start one")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        chosen = content["chosen"]
        return Args.model_validate(content["asked"]), Settings.model_validate(chosen) if chosen else None
    except (yaml.YAMLError, ValidationError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not readable as the options of a run; start a new one") from error
