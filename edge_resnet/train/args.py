"""What a run was asked for and what was chosen: args.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from edge_resnet import files, runs
from edge_resnet.device import Device
from edge_resnet.errors import UserError
from edge_resnet.geometry import ResizePolicy
from edge_resnet.train import recipe
from edge_resnet.train.recipe import Augmentation, OptimizerName

FILE = runs.ARGS


class Args(BaseModel):
    """The options of `edge-resnet finetune`; None means that the recipe chooses."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: str
    weights: str = "imagenet"
    height: int = 224
    width: int = 224
    resize: ResizePolicy = "stretch"
    epochs: int | None = None
    batch: int | None = None
    lr: float | None = None
    optimizer: OptimizerName | None = None
    augment: Augmentation | None = None
    seed: int = 0
    device: str = "auto"
    # None: by the names of the classes.
    background: tuple[str, ...] | None = None

    @property
    def pretrained(self) -> bool:
        """Whether the body starts from weights that have seen pictures."""
        return self.weights != "none"


class Settings(BaseModel):
    """The numbers that training runs with: the user's where given, the recipe's else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int
    batch: int
    lr: float
    optimizer: OptimizerName
    weight_decay: float
    augment: Augmentation
    warmup_share: float
    freeze_batch_norm: bool
    patience: int
    workers: int
    seed: int


def settle(args: Args, pictures: int, device: Device) -> Settings:
    """Fill in what the user left open, for `pictures` training pictures."""
    epochs = args.epochs if args.epochs is not None else recipe.epochs(args.pretrained)
    batch = args.batch or min(recipe.batch(pictures), pictures)
    optimizer = args.optimizer or recipe.optimizer(args.pretrained)
    return Settings(
        epochs=epochs,
        batch=batch,
        lr=args.lr or recipe.lr(batch, optimizer),
        optimizer=optimizer,
        weight_decay=recipe.weight_decay(optimizer),
        augment=args.augment or recipe.augmentation(args.pretrained),
        warmup_share=recipe.warmup_share(args.pretrained),
        freeze_batch_norm=recipe.freeze_batch_norm(pictures, args.pretrained),
        patience=recipe.patience(epochs),
        workers=recipe.loader_workers(device.is_gpu),
        seed=args.seed,
    )


def save(folder: Path, args: Args, chosen: dict[str, Any]) -> None:
    """Write args.yaml: what was asked, and what was chosen."""
    content = {"asked": args.model_dump(mode="json"), "chosen": chosen}
    files.write_text(folder / FILE, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def load(folder: Path) -> Args:
    """Read back what a run was asked for. Raises UserError."""
    path = folder / FILE
    if not path.is_file():
        raise UserError(f"{folder}: no run to go on with ({FILE} is missing); leave out --resume to start one")
    try:
        return Args.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))["asked"])
    except (yaml.YAMLError, ValidationError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not readable as the options of a run; start a new one") from error
