"""Cross-validation: how well training works on pictures, or on a camera, that it has not seen.

Each part is held out once: a model is trained on the others and judged on it. No model is kept; what is learnt is how
far the figure of one split can be trusted, and what a new camera would bring.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from edge_resnet import files, model, weights
from edge_resnet.data import listing as data
from edge_resnet.data import store
from edge_resnet.data.folds import stratified_folds
from edge_resnet.data.listing import Listing
from edge_resnet.data.related import Kinship, related
from edge_resnet.data.store import Store
from edge_resnet.device import Device
from edge_resnet.errors import UserError
from edge_resnet.manifest import ModelSpec
from edge_resnet.progress import Narrator
from edge_resnet.train import args as arguments
from edge_resnet.train import split
from edge_resnet.train.args import Args
from edge_resnet.train.course import Course, logits_of
from edge_resnet.train.evaluate import judge
from edge_resnet.train.loop import STATE
from edge_resnet.train.report.held_out import Fold, HeldOut
from edge_resnet.train.task import Task
from edge_resnet.train.world import World

REPORT, PAGE = "crossval.json", "crossval.html"
_CACHE, _FOLDS = "cache", "folds"


@dataclass(frozen=True)
class Part:
    """A part to hold out: its name, and the positions of its samples."""

    name: str
    positions: tuple[int, ...]


def cross_validate(args: Args, folds: int | None, out: Path, narrator: Narrator) -> HeldOut:
    """Train once for each camera (`folds` None) or each of `folds` parts; leaves crossval.json and .html in `out`.

    Splits that the folders give are not used: every picture is judged once. A part that is done is not done again, so
    the same call goes on after an interruption. Raises UserError when there are too few cameras or pictures.
    """
    listing = data.scan(Path(args.data))
    device = Device.choose(args.device)
    out.mkdir(parents=True, exist_ok=True)
    if not (out / arguments.FILE).exists():
        arguments.save(out, args, None, device.describe())
    shutil.rmtree(out / _CACHE, ignore_errors=True)
    spec = arguments.specification(args, listing.labels)
    with narrator.stage("reading pictures") as step:
        stored = store.read(listing, spec.input.preprocess, out / _CACHE, step)
    whole = stored.listing.with_samples(replace(sample, split="train") for sample in stored.listing.samples)
    parts = _cameras(whole) if folds is None else _parts(whole, stored, folds, args.seed, narrator)
    job = _Job(args, spec, out, stored, whole, device, narrator)
    done = [job.fold(number, part, len(parts)) for number, part in enumerate(parts, 1)]
    shutil.rmtree(out / _CACHE, ignore_errors=True)
    unit = "camera" if folds is None else "part"
    found = HeldOut(str(out), unit, whole.labels, whole.fingerprint(), tuple(done))
    files.write_text(out / PAGE, found.to_html())
    files.write_json(out / REPORT, found.to_json())
    return found


@dataclass(frozen=True)
class _Job:
    args: Args
    spec: ModelSpec
    out: Path
    stored: Store
    whole: Listing
    device: Device
    narrator: Narrator

    def fold(self, number: int, part: Part, of: int) -> Fold:
        """Train without `part` and judge on it, unless that was done before."""
        folder = self.out / _FOLDS / f"{number:03d}"
        path = folder / "fold.json"
        if path.is_file():
            return Fold(**json.loads(path.read_text(encoding="utf-8")))
        self.narrator.say(f"{number} of {of}: without {part.name}, {len(part.positions)} pictures")
        fold = self._train(part, folder)
        files.write_json(path, asdict(fold))
        shutil.rmtree(folder / STATE, ignore_errors=True)
        return fold

    def _train(self, part: Part, folder: Path) -> Fold:
        began = time.monotonic()
        task = Task(self._without(part), self.stored.evaluation, self.stored.training)
        settings = arguments.settle(self.args, task.counts("train"), self.device)
        torch.manual_seed(self.args.seed)
        network = self.device.place(weights.initial_model(self.args.weights, len(self.whole.labels)))
        course = Course(task, settings, network, self.device, World(), self.narrator)
        probed = None
        if self.args.pretrained:
            kept = self.out / _FOLDS / "features.safetensors"
            probed = course.probe(course.features(kept, self.spec.input.preprocess)).correct
        path = folder / STATE / "best.safetensors"
        course.fine_tune(
            folder,
            on_best=lambda network: model.store(network, self.spec, path),
            on_epoch=lambda history: None,
        )
        best, _ = model.load(path)
        held = task.labelled("test")
        with self.narrator.stage(f"judging on {part.name}") as step:
            answers = judge(logits_of(best, self.device, held.frames, step), held.truth, self.whole.labels)
        trained = len(task.of("train")[0])
        guessed = course.blind_guess().correct
        return Fold(part.name, trained, answers.n, guessed, probed, answers.correct, time.monotonic() - began)

    def _without(self, part: Part) -> Listing:
        """The listing with `part` as test, and validation cut from the rest."""
        held = set(part.positions)
        samples = [
            replace(sample, split="test" if index in held else "train")
            for index, sample in enumerate(self.whole.samples)
        ]
        return split.complete(
            self.whole.with_samples(samples), self.stored.hashes, self.args.seed, lambda line: self.narrator.say(line)
        )


def _cameras(listing: Listing) -> list[Part]:
    """A part for each camera; pictures of no known camera are always trained on."""
    names = sorted({sample.group for sample in listing.samples} - {""})
    if len(names) < 2:
        raise UserError(
            f"{listing.root}: nothing tells which camera a picture comes from; put them in CLASS/CAMERA/ folders, or "
            "write groups.csv with the columns file,group"
        )
    parts = [Part(name, tuple(i for i, s in enumerate(listing.samples) if s.group == name)) for name in names]
    for part in parts:
        held = set(part.positions)
        left = {sample.label for index, sample in enumerate(listing.samples) if index not in held}
        if missing := [name for label, name in enumerate(listing.labels) if label not in left]:
            raise UserError(
                f"{listing.root}: camera {part.name} has all pictures of {', '.join(missing)}; without it nothing "
                "could be learnt: add such pictures from another camera"
            )
    return parts


def _parts(listing: Listing, stored: Store, folds: int, seed: int, narrator: Narrator) -> list[Part]:
    """`folds` parts in which what is related stays together, as far as there is enough of it."""
    labels = np.array([sample.label for sample in listing.samples])
    kinships: tuple[Kinship, ...] = ("group", "clip", "look", "file")
    for kinship in kinships:
        relation = related(listing, stored.hashes, kinship)
        fewest = min(len(np.unique(relation[labels == label])) for label in range(len(listing.labels)))
        if fewest >= folds and _even(relation, folds):
            narrator.say(f"{folds} parts; what stays together: the same {kinship}")
            places = stratified_folds(labels, relation, folds, seed)
            return [Part(f"part {number}", tuple(place.tolist())) for number, place in enumerate(places, 1)]
    raise UserError(f"{listing.root}: a class has fewer than {folds} pictures; take a smaller --folds, or add some")


def _even(relation: npt.NDArray[np.int64], folds: int) -> bool:
    """Whether no group of related pictures is larger than two parts should be."""
    return bool(np.unique(relation, return_counts=True)[1].max() <= 2 * len(relation) / folds)
