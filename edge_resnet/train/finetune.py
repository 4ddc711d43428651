"""A whole run in its folder, step by step: pictures, audit, probe, fine-tuning, temperature, thresholds, report."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.models import ResNet

from edge_resnet import files, model, runs, weights
from edge_resnet.data import listing as data
from edge_resnet.data import store
from edge_resnet.data.listing import Listing
from edge_resnet.data.store import Store
from edge_resnet.data.survey import Survey
from edge_resnet.device import Device
from edge_resnet.errors import UserError
from edge_resnet.manifest import ModelSpec
from edge_resnet.progress import Narrator
from edge_resnet.train import args as arguments
from edge_resnet.train import report, split
from edge_resnet.train.args import Args, Settings
from edge_resnet.train.checkpoint import History
from edge_resnet.train.closing import Closing
from edge_resnet.train.course import Course
from edge_resnet.train.loop import STATE
from edge_resnet.train.report import Stage
from edge_resnet.train.report.material import NEAREST_MEAN, PROBE
from edge_resnet.train.task import Task
from edge_resnet.train.thresholds import Wish
from edge_resnet.train.world import World, joined

_CACHE, _TENSORBOARD = "cache", "tensorboard"
# The weights after the last epoch, beside those of the best.
LAST = "last.safetensors"

# Looks at the pictures before training, and gives what the report should tell of them.
Audit = Callable[[Survey, Path, Narrator], dict[str, Any]]


def prepare_folder(out: Path, resume: bool) -> None:
    """Refuse a run folder with something in it, unless it is a run to go on with. Raises UserError."""
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: is a file; --out takes a folder")
    if resume:
        arguments.load(out)
    elif out.exists() and any(out.iterdir()):
        raise UserError(f"{out}: is not empty; choose another --out, or go on with what lies there by --resume")


def finished_report(out: Path) -> dict[str, Any] | None:
    """The report of a run that is complete, or None."""
    path = out / report.REPORT
    if not path.is_file():
        return None
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def finetune(args: Args, out: Path, narrator: Narrator, audit: Audit | None = None) -> dict[str, Any] | None:
    """Train as `args` say, or go on where `out` stands; leaves a complete run folder and returns report.json's content.

    Killed at any moment, the same call goes on from the last saved step and ends with the same weights. Under torchrun
    all processes train, and None is returned in all but the first. Raises UserError.
    """
    listing = data.scan(Path(args.data))
    spec = arguments.specification(args, listing.labels)
    wish = Wish(args.wanted_precision, args.false_alarm_rate)
    with joined(Device.choose(args.device)) as (world, device):
        # The fresh head, and with --weights none the whole network, are the same for the same seed.
        torch.manual_seed(args.seed)
        network = weights.initial_model(args.weights, len(listing.labels))
        narrator = narrator if world.is_first else Narrator(quiet=True)
        background = ", ".join(spec.background) or "-"
        narrator.say(f"classes: {', '.join(spec.labels)}; background, never an alarm: {background}")
        run = _Run(args, out, spec, device, world, network, narrator, wish)
        if world.is_first:
            return run.lead(listing, audit)
        run.follow()
        return None


@dataclass(frozen=True)
class _Run:
    """A run in its folder: each method is one step, and leaves its result there."""

    args: Args
    out: Path
    spec: ModelSpec
    device: Device
    world: World
    network: ResNet
    narrator: Narrator
    wish: Wish

    def lead(self, listing: Listing, audit: Audit | None) -> dict[str, Any]:
        """The whole run, in the process that writes."""
        started = time.monotonic()
        self.out.mkdir(parents=True, exist_ok=True)
        if not (self.out / arguments.FILE).exists():
            arguments.save(self.out, self.args, None, self.device.describe())
        stored, task = self._read(listing)
        settings = self._settle(task)
        self.world.barrier()
        course = self._course(task, settings)
        self.device.place(self.network)
        pooled = None
        if self.args.pretrained:
            pooled = course.features(self.out / STATE / "features.safetensors", self.spec.input.preprocess)
        found = self._audit(audit, stored, task, pooled)
        stages = [Stage("blind guess", course.blind_guess())]
        if pooled is not None:
            stages.append(Stage(NEAREST_MEAN, course.nearest_mean(pooled)))
            with self.narrator.stage("linear probe"):
                stages.append(Stage(PROBE, course.probe(pooled)))
        history = course.fine_tune(
            self.out,
            on_best=lambda network: model.store(network, self.spec, self.out / runs.MODEL),
            on_epoch=self._record,
        )
        model.store(self.network, self.spec, self.out / LAST)
        closing = Closing(self.args, self.out, self.spec, self.device, self.narrator, self.wish)
        content = closing.report(stored, task, settings, tuple(stages), history, found, started)
        for folder in (_CACHE, STATE):
            shutil.rmtree(self.out / folder, ignore_errors=True)
        return content

    def follow(self) -> None:
        """The part of a process that only trains: it finds what the first has prepared in the folder they share."""
        self.world.barrier()
        settings = arguments.load(self.out)[1]
        if settings is None:
            raise UserError(f"{self.out}: not the folder that the first process writes; all machines must share it")
        listing = data.read_table(self.out / data.SPLIT_FILE, self.spec.labels)
        course = self._course(Task.kept(listing, self.out / _CACHE), settings)
        course.fine_tune(self.out, lambda network: None, lambda history: None)

    def _course(self, task: Task, settings: Settings) -> Course:
        return Course(task, settings, self.network, self.device, self.world, self.narrator)

    def _read(self, listing: Listing) -> tuple[Store, Task]:
        """Decode and split the pictures; an interrupted run must find those that it began with."""
        shutil.rmtree(self.out / _CACHE, ignore_errors=True)
        with self.narrator.stage("reading pictures") as step:
            stored = store.read(listing, self.spec.input.preprocess, self.out / _CACHE, step)
        for item in stored.skipped:
            self.narrator.say(f"skipped {item.path}: {item.reason}")
        complete = split.complete(stored.listing, stored.hashes, self.args.seed, self.narrator.say)
        path, table = self.out / data.SPLIT_FILE, complete.table()
        if path.exists() and path.read_text(encoding="utf-8", errors="surrogateescape") != table:
            raise UserError(f"{listing.root}: the pictures changed since {self.out} began; start anew in another --out")
        files.write_text(path, table)
        self.narrator.say("pictures: " + ", ".join(f"{len(complete.of(name))} {name}" for name in data.SPLITS))
        return stored, Task(complete, stored.evaluation, stored.training)

    def _settle(self, task: Task) -> Settings:
        """What the run began with, or what the user and the recipe say now."""
        settings = arguments.load(self.out)[1]
        if settings is None:
            settings = arguments.settle(self.args, task.counts("train"), self.device, self.world.size)
            arguments.save(self.out, self.args, settings, self.device.describe())
        processes = f", {self.world.size} processes" if self.world.size > 1 else ""
        self.narrator.say(f"{self.device.describe()}{processes}; {settings.describe()}")
        return settings

    def _audit(self, audit: Audit | None, stored: Store, task: Task, pooled: Tensor | None) -> dict[str, Any] | None:
        if audit is None:
            return None
        survey = Survey(task.listing, stored, None if pooled is None else pooled.numpy())
        return audit(survey, self.out, self.narrator)

    def _record(self, history: History) -> None:
        report.write_metrics(self.out, history)
        report.write_tensorboard(self.out / _TENSORBOARD, history)
