"""The whole of training, step by step: data, weights, linear probe, fine-tuning, temperature, report."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torchvision.models import ResNet

from edge_resnet import features, files, model, probe, runs, weights
from edge_resnet.data import listing as data
from edge_resnet.data import store
from edge_resnet.data.listing import Listing, Split
from edge_resnet.data.related import leaking, related
from edge_resnet.device import Device
from edge_resnet.environment import versions
from edge_resnet.errors import UserError
from edge_resnet.hardware import cpu_name
from edge_resnet.manifest import InputSpec, ModelSpec, default_alarms, default_background
from edge_resnet.progress import Narrator
from edge_resnet.train import args as arguments
from edge_resnet.train import augment, report, split, temperature
from edge_resnet.train.args import Args, Settings
from edge_resnet.train.checkpoint import History
from edge_resnet.train.evaluate import Evaluation, blind_guess, judge, skipped_json
from edge_resnet.train.loop import FineTuning, Labelled
from edge_resnet.train.report import Stage

_CACHE, _STATE, _TENSORBOARD = "cache", "state", "tensorboard"
_EVALUATION_BATCH = 32


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


def finetune(args: Args, out: Path, narrator: Narrator) -> dict[str, Any]:
    """Train as `args` say, or go on where `out` stands; leaves a complete run folder and returns report.json's content.

    Interrupted at any moment, the same call goes on from the last finished epoch. Raises UserError.
    """
    listing = data.scan(Path(args.data))
    spec = _specification(args, listing.labels)
    device = Device.choose(args.device)
    # The fresh head, and with --weights none the whole network, are the same for the same seed.
    torch.manual_seed(args.seed)
    network = weights.initial_model(args.weights, len(listing.labels))
    narrator.say(f"classes: {', '.join(spec.labels)}; background, never an alarm: {', '.join(spec.background) or '-'}")
    out.mkdir(parents=True, exist_ok=True)
    if not (out / arguments.FILE).exists():
        arguments.save(out, args, {})
    return _Run(args, out, spec, device, network, narrator).complete(listing)


@dataclass(frozen=True)
class _Pictures:
    """The decoded pictures of a run, each with its split."""

    store: store.Store
    listing: Listing

    def of(self, name: Split) -> tuple[list[int], npt.NDArray[np.int64]]:
        """Positions in the store, and class indices, of one split."""
        chosen = [(index, sample.label) for index, sample in enumerate(self.listing.samples) if sample.split == name]
        return [index for index, _ in chosen], np.array([label for _, label in chosen], np.int64)

    def labelled(self, name: Split) -> Labelled:
        """The frames of one split, for evaluation."""
        positions, truth = self.of(name)
        return Labelled(self.store.evaluation[positions], truth)

    @property
    def judged_on(self) -> Split:
        """The split that the report's figures come from: test where there is one."""
        return "test" if self.of("test")[0] else "val"


@dataclass(frozen=True)
class _Run:
    """A run in its folder: each method is one step, and leaves its result there."""

    args: Args
    out: Path
    spec: ModelSpec
    device: Device
    network: ResNet
    narrator: Narrator

    def complete(self, listing: Listing) -> dict[str, Any]:
        started = time.monotonic()
        pictures = self._read(listing)
        settings = self._settle(pictures)
        stages = [self._blind_guess(pictures)]
        if self.args.pretrained:
            stages.append(self._probe(pictures))
        history = self._fine_tune(pictures, settings)
        final, evaluation = self._judge(pictures)
        stages.append(Stage("fine-tuned" if self.args.pretrained else "trained from nothing", evaluation))
        content = {
            **self._described(pictures, final),
            "stages": [stage.to_json() for stage in stages],
            "best_epoch": history.best.epoch,
            "epochs": history.epochs[-1].epoch,
            "seconds": round(time.monotonic() - started, 1),
        }
        files.write_json(self.out / report.REPORT, content)
        shutil.rmtree(self.out / _CACHE, ignore_errors=True)
        return content

    def _read(self, listing: Listing) -> _Pictures:
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
        if leaks := leaking(complete, related(complete, stored.hashes, "file")).sum():
            self.narrator.say(
                f"warning: {leaks} validation or test pictures are in train too; figures will be too good"
            )
        return _Pictures(stored, complete)

    def _settle(self, pictures: _Pictures) -> Settings:
        settings = arguments.settle(self.args, len(pictures.of("train")[0]), self.device)
        arguments.save(self.out, self.args, {**settings.model_dump(mode="json"), "device": self.device.describe()})
        frozen = "frozen" if settings.freeze_batch_norm else "trained"
        self.narrator.say(
            f"{self.device.describe()}; {settings.epochs} epochs, batch {settings.batch}, learning rate "
            f"{settings.lr:g}, {settings.optimizer}, augmentation {settings.augment}, batch-norm statistics {frozen}"
        )
        return settings

    def _blind_guess(self, pictures: _Pictures) -> Stage:
        truth = pictures.of(pictures.judged_on)[1]
        return Stage("blind guess", blind_guess(pictures.of("train")[1], truth, self.spec.labels))

    def _probe(self, pictures: _Pictures) -> Stage:
        """Fit a linear head on frozen features, put it into the network, and judge it."""
        self.device.place(self.network)
        pooled = self._features(pictures)
        parts = {name: pictures.of(name) for name in data.SPLITS}
        with self.narrator.stage("linear probe"):
            head = probe.fit(
                *(pooled[parts["train"][0]], torch.from_numpy(parts["train"][1])),
                *(pooled[parts["val"][0]], torch.from_numpy(parts["val"][1])),
                len(self.spec.labels),
            )
        head.put_into(self.network)
        positions, truth = parts[pictures.judged_on]
        return Stage(
            "linear probe", judge(features.head_logits(self.network, pooled[positions]), truth, self.spec.labels)
        )

    def _features(self, pictures: _Pictures) -> torch.Tensor:
        """Pooled features of all pictures; an interrupted run finds them again."""
        path = self.out / _STATE / "features.safetensors"
        key = f"{pictures.listing.fingerprint()} {_fingerprint(self.network)} {self.spec.input.model_dump_json()}"
        kept = features.kept(key, path)
        if kept is None:
            with self.narrator.stage("features for the linear probe") as step:
                kept = features.pooled(self.network, self.device, pictures.store.evaluation, _EVALUATION_BATCH, step)
            features.keep(kept, key, path)
        return kept

    def _fine_tune(self, pictures: _Pictures, settings: Settings) -> History:
        positions, truth = pictures.of("train")
        size = (self.spec.input.height, self.spec.input.width)
        return FineTuning(
            network=self.network,
            train=augment.Augmented(
                pictures.store.training, positions, truth.tolist(), size, settings.augment, settings.seed
            ),
            val=pictures.labelled("val"),
            settings=settings,
            device=self.device,
            state_folder=self.out / _STATE,
            on_best=lambda: model.store(self.network, self.spec, self.out / runs.MODEL),
            on_epoch=self._record,
        ).run(self.narrator)

    def _record(self, history: History) -> None:
        report.write_metrics(self.out, history)
        report.write_tensorboard(self.out / _TENSORBOARD, history)

    def _judge(self, pictures: _Pictures) -> tuple[ModelSpec, Evaluation]:
        """Fit the temperature of the best model on validation, store it with that, and judge it; all in float32."""
        best, _ = model.load(self.out / runs.MODEL)
        exact = Device(self.device.torch, bf16=False)
        exact.place(best)
        logits = {}
        for name in dict.fromkeys(("val", pictures.judged_on)):
            with self.narrator.stage(f"judging on {name}") as step:
                pooled = features.pooled(best, exact, pictures.labelled(name).frames, _EVALUATION_BATCH, step)
                logits[name] = features.head_logits(best, pooled)
        fitted = temperature.fit(logits["val"], pictures.of("val")[1])
        final = self.spec.model_copy(update={"temperature": fitted})
        model.store(best, final, self.out / runs.MODEL)
        judged = pictures.judged_on
        evaluation = judge(logits[judged], pictures.of(judged)[1], self.spec.labels)
        title = f"{evaluation.accuracy:.1%} of {evaluation.n} {judged} pictures"
        report.draw_confusion(self.out / report.CONFUSION, evaluation, title)
        return final, evaluation

    def _described(self, pictures: _Pictures, final: ModelSpec) -> dict[str, Any]:
        return {
            "run": str(self.out),
            "classes": list(final.labels),
            "background": list(final.background),
            "judged_on": pictures.judged_on,
            "temperature": final.temperature,
            "pictures": {name: pictures.listing.counts(name) for name in data.SPLITS},
            "skipped": skipped_json(pictures.store.skipped),
            "data_fingerprint": pictures.listing.fingerprint(),
            "device": self.device.describe(),
            "processor": cpu_name(),
            "versions": versions(),
        }


def _specification(args: Args, labels: tuple[str, ...]) -> ModelSpec:
    background = default_background(labels) if args.background is None else args.background
    if unknown := sorted(set(background) - set(labels)):
        raise UserError(f"--background {', '.join(unknown)}: no such class; the classes are {', '.join(labels)}")
    if len(background) == len(labels):
        raise UserError(f"--background {', '.join(background)}: leaves no class that could alarm")
    inputs = InputSpec(height=args.height, width=args.width, resize=args.resize)
    return ModelSpec(labels=labels, background=background, input=inputs, alarms=default_alarms(labels, background))


def _fingerprint(network: ResNet) -> str:
    digest = hashlib.sha256()
    for tensor in network.state_dict().values():
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
