"""The search of hyper-parameters: Optuna tries settings on validation, stops hopeless ones, and any worker may join.

The first trial is what the recipe would choose, so that a search cannot end with less. Test pictures are never seen.
"""

from __future__ import annotations

import shlex
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import torch
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.study import MaxTrialsCallback, Study
from optuna.trial import FrozenTrial, Trial, TrialState

from edge_resnet import files, weights
from edge_resnet.data import listing as data
from edge_resnet.data import store
from edge_resnet.device import Device
from edge_resnet.errors import UserError
from edge_resnet.preprocess import Preprocess
from edge_resnet.progress import Narrator
from edge_resnet.train import args as arguments
from edge_resnet.train import recipe, search_plots, split
from edge_resnet.train.args import Args
from edge_resnet.train.checkpoint import Epoch, History
from edge_resnet.train.course import Course
from edge_resnet.train.loop import Diverged
from edge_resnet.train.share import Share
from edge_resnet.train.task import Task
from edge_resnet.train.world import World

REPORT = "search.json"
# A worker that gives no sign of life for so long is dead, and its trial is tried again.
_HEARTBEAT_S, _GRACE_S = 30, 120
_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
_TRIED_BEFORE_PRUNING, _EPOCHS_BEFORE_PRUNING = 4, 2
# What identifies a study: workers that disagree in it must not share one.
_KEY = "edge_resnet"


@dataclass(frozen=True)
class Found:
    """What a search has found so far; the accuracy is on the validation pictures that chose it."""

    study: str
    trials: tuple[FrozenTrial, ...]
    best: FrozenTrial
    recipe: FrozenTrial | None
    validation_pictures: int
    command: str

    def to_json(self) -> dict[str, Any]:
        """search.json."""
        return {
            "study": self.study,
            "trials": [_told(trial, self.validation_pictures) for trial in self.trials],
            "best": _told(self.best, self.validation_pictures),
            "recipe": None if self.recipe is None else _told(self.recipe, self.validation_pictures),
            "validation_pictures": self.validation_pictures,
            "command": self.command,
        }


def search(args: Args, trials: int, storage: str, name: str, out: Path, narrator: Narrator) -> Found:
    """Go on with the study `name` in `storage` (a URL as SQLAlchemy takes it) until `trials` are finished in all.

    Leaves search.json and pictures in `out`. `args`: what all trials share; the searched fields of it are ignored.
    Interrupted, or beside other workers, the same call goes on. Raises UserError for a storage that cannot be opened,
    or a study of other pictures.
    """
    listing = data.scan(Path(args.data))
    device = Device.choose(args.device)
    spec = arguments.specification(args, listing.labels)
    out.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="edge-resnet-") as cache:
        with narrator.stage("reading pictures") as step:
            stored = store.read(listing, spec.input.preprocess, Path(cache), step)
        complete = split.complete(stored.listing, stored.hashes, args.seed, narrator.say)
        task = Task(complete, stored.evaluation, stored.training)
        shared = f"{complete.fingerprint()} {args.model_dump_json(exclude={'data', 'device', 'background'})}"
        study = _study(storage, name, args.seed, shared)
        job = _Job(args, task, device, narrator, out / "features.safetensors", spec.input.preprocess)
        study.enqueue_trial(job.recipe_s_choice(), skip_if_exists=True)
        if _finished(study) < trials:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)
                study.optimize(job.trial, callbacks=[MaxTrialsCallback(trials, _FINISHED), job.tell])
        found = _found(study, args, job, len(task.of("val")[0]))
        search_plots.draw(study, out)
    files.write_json(out / REPORT, found.to_json())
    return found


def _study(storage: str, name: str, seed: int, key: str) -> Study:
    if storage.startswith("sqlite:///"):
        Path(storage.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            database = RDBStorage(
                storage,
                heartbeat_interval=_HEARTBEAT_S,
                grace_period=_GRACE_S,
                heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=3),
            )
        study = optuna.create_study(storage=database, study_name=name, direction="maximize", load_if_exists=True)
    except Exception as error:
        # SQLAlchemy and the drivers raise of many kinds: for a wrong URL, a file that is no database, no driver.
        told = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"--storage {storage}: cannot be opened ({told}); such as sqlite:///study.db") from error
    known = study.user_attrs.get(_KEY)
    if known is None:
        study.set_user_attr(_KEY, key)
    elif known != key:
        raise UserError(f"--study {name}: in {storage} is one of other pictures or options; choose another name")
    # Workers with the same seed must not try the same: the trials that are there already make the difference.
    study.sampler = TPESampler(seed=seed + len(study.get_trials(deepcopy=False)), n_startup_trials=5)
    study.pruner = MedianPruner(_TRIED_BEFORE_PRUNING, _EPOCHS_BEFORE_PRUNING)
    return study


@dataclass(frozen=True)
class _Job:
    args: Args
    task: Task
    device: Device
    narrator: Narrator
    features_file: Path
    preprocess: Preprocess

    def trial(self, trial: Trial) -> float:
        """Train with the settings of a trial; what is maximised (see _value)."""
        args = self.args.model_copy(update=self._suggested(trial))
        settings = arguments.settle(args, self.task.counts("train"), self.device)
        torch.manual_seed(args.seed)
        network = self.device.place(weights.initial_model(args.weights, len(self.task.listing.labels)))
        course = Course(self.task, settings, network, self.device, World(), Narrator(quiet=True))
        if args.pretrained:
            course.probe(course.features(self.features_file, self.preprocess))
        pictures = len(self.task.of("val")[0])

        def report(history: History) -> None:
            trial.report(_value(history.best, pictures), len(history.epochs) - 1)
            if trial.should_prune():
                raise optuna.TrialPruned

        try:
            history = course.fine_tune(None, on_best=lambda network: None, on_epoch=report)
        except Diverged as error:
            raise optuna.TrialPruned(str(error)) from error
        trial.set_user_attr("accuracy", history.best.val_accuracy)
        trial.set_user_attr("best_epoch", history.best.epoch)
        return _value(history.best, pictures)

    def tell(self, study: Study, trial: FrozenTrial) -> None:
        """Say what a trial brought."""
        what = "stopped early" if trial.state == TrialState.PRUNED else f"{trial.user_attrs.get('accuracy', 0):.1%}"
        told = ", ".join(f"{name} {_short(value)}" for name, value in trial.params.items())
        self.narrator.say(f"trial {trial.number}: {what} ({told}); {_finished(study)} finished")

    def recipe_s_choice(self) -> dict[str, Any]:
        """The values of the searched settings that the recipe would choose."""
        chosen = arguments.settle(self.args, self.task.counts("train"), self.device)
        names = ("tune", "lr", "weight_decay", "stage_decay", "dropout", "label_smoothing", "augment", "mixup")
        values = chosen.model_dump(include=set(names))
        return {**values, "mixup": values["mixup"] > 0}

    def _suggested(self, trial: Trial) -> dict[str, Any]:
        """What a trial tries: around the recipe's choice, as far as anybody reported a gain."""
        lr = recipe.lr(self.args.batch or 32, self.args.optimizer or recipe.optimizer(self.args.pretrained))
        tunes = ["all", "bn", "last-stage"] if self.args.pretrained else ["all"]
        return {
            "tune": trial.suggest_categorical("tune", tunes),
            "lr": trial.suggest_float("lr", lr / 10, lr * 50, log=True),
            "weight_decay": trial.suggest_float("weight_decay", 1e-6, 1e-1, log=True),
            "stage_decay": trial.suggest_float("stage_decay", 0.3, 1.0),
            "dropout": trial.suggest_float("dropout", 0.0, 0.5),
            "label_smoothing": trial.suggest_float("label_smoothing", 0.0, 0.2),
            "augment": trial.suggest_categorical("augment", ["full", "flip"]),
            "mixup": _mixup(trial.suggest_categorical("mixup", [False, True])),
        }


def _mixup(tried: bool) -> float:
    """Alpha where a trial mixes pictures at all."""
    return 0.2 if tried else 0.0


def _value(epoch: Epoch, pictures: int) -> float:
    """The accuracy on validation; of equals the lower loss counts, but never as much as one picture."""
    return epoch.val_accuracy - 0.1 * min(epoch.val_loss, 5.0) / pictures


def _found(study: Study, args: Args, job: _Job, pictures: int) -> Found:
    finished = study.get_trials(states=_FINISHED)
    if not any(trial.state == TrialState.COMPLETE for trial in finished):
        raise UserError(f"study {study.study_name}: no trial came to its end; take fewer --epochs or more --trials")
    best = study.best_trial
    fixed = [("--weights", args.weights), ("--input", f"{args.height}x{args.width}"), ("--seed", args.seed)]
    fixed += [("--epochs", args.epochs)] if args.epochs is not None else []
    fixed += [("--batch", args.batch)] if args.batch is not None else []
    tried = {**best.params, "mixup": _mixup(best.params["mixup"])}
    chosen = [(f"--{name.replace('_', '-')}", _short(value)) for name, value in tried.items()]
    words = ["edge-resnet", "finetune", args.data, *(str(word) for pair in (*fixed, *chosen) for word in pair)]
    choice = job.recipe_s_choice()
    first = next((t for t in finished if t.params == choice and t.state == TrialState.COMPLETE), None)
    return Found(study.study_name, tuple(finished), best, first, pictures, shlex.join(words))


def _told(trial: FrozenTrial, pictures: int) -> dict[str, Any]:
    accuracy = trial.user_attrs.get("accuracy")
    share = None if accuracy is None else Share(round(accuracy * pictures), pictures).to_json()
    state = "pruned" if trial.state == TrialState.PRUNED else "complete"
    return {"number": trial.number, "state": state, "accuracy": share, "params": trial.params}


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _finished(study: Study) -> int:
    return len(study.get_trials(deepcopy=False, states=_FINISHED))
