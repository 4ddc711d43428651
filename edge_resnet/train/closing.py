"""The end of a run: temperature and thresholds from validation, judgement of the best model, report."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torchvision.models import ResNet

from edge_resnet import model, runs
from edge_resnet.data.listing import SPLITS, Split
from edge_resnet.data.related import leaking, related
from edge_resnet.data.store import Store
from edge_resnet.device import Device
from edge_resnet.environment import versions
from edge_resnet.hardware import cpu_name
from edge_resnet.manifest import ModelSpec
from edge_resnet.progress import Narrator
from edge_resnet.train import report, temperature, thresholds
from edge_resnet.train.args import Args, Settings
from edge_resnet.train.checkpoint import History
from edge_resnet.train.course import logits_of, maps_of
from edge_resnet.train.evaluate import judge
from edge_resnet.train.report import Judged, Material, Stage
from edge_resnet.train.task import Task
from edge_resnet.train.thresholds import Wish


@dataclass(frozen=True)
class Closing:
    """What the last step of a run needs to know."""

    args: Args
    out: Path
    spec: ModelSpec
    device: Device
    narrator: Narrator
    wish: Wish

    def report(
        self,
        stored: Store,
        task: Task,
        settings: Settings,
        stages: tuple[Stage, ...],
        history: History,
        audit: Mapping[str, Any] | None,
        started: float,
    ) -> dict[str, Any]:
        """Fit temperature and thresholds of the best model, store it with them, tell how good it is.

        `started`: time.monotonic() when the run began. Gives report.json's content.
        """
        best, _ = model.load(self.out / runs.MODEL)
        relation = related(task.listing, stored.hashes, "clip")
        began = time.monotonic()
        parts = {name: self._judged(best, task, name, relation) for name in dict.fromkeys(("val", task.judged_on))}
        judging_s = time.monotonic() - began
        val, judged = parts["val"], parts[task.judged_on]
        spec = self.spec.model_copy(update={"temperature": temperature.fit(val.logits, val.truth)})
        spec, alarms = thresholds.choose(spec, val.logits, val.truth, self.wish)
        model.store(best, spec, self.out / runs.MODEL)
        name = "fine-tuned" if self.args.pretrained else "trained from nothing"
        material = Material(
            run=str(self.out),
            spec=spec,
            stages=(*stages, Stage(name, judge(judged.logits, judged.truth, spec.labels))),
            val=val,
            judged=judged,
            history=history,
            counts={name: task.listing.counts(name) for name in SPLITS},
            skipped=stored.skipped,
            data_fingerprint=task.listing.fingerprint(),
            device=self.device.describe(),
            processor=cpu_name(),
            versions=versions(),
            asked=self.args.model_dump(mode="json"),
            chosen=settings.model_dump(mode="json"),
            audit=audit,
            alarms=alarms,
            seconds=round(time.monotonic() - started, 1),
            pictures_per_second={
                **_training_speed(history, len(task.of("train")[0])),
                "judging": sum(len(part.samples) for part in parts.values()) / judging_s,
            },
            explain=partial(maps_of, best, self.device),
        )
        return report.write(self.out, material)

    def _judged(self, network: ResNet, task: Task, name: Split, relation: npt.NDArray[np.int64]) -> Judged:
        positions, _ = task.of(name)
        frames = task.labelled(name).frames
        with self.narrator.stage(f"judging on {name}") as step:
            logits = logits_of(network, self.device, frames, step)
        samples = tuple(task.listing.samples[position] for position in positions)
        leaks = leaking(task.listing, relation)
        return Judged(name, frames, samples, logits, leaks[positions], relation[positions])


def _training_speed(history: History, pictures: int) -> dict[str, float]:
    trained = [epoch.seconds for epoch in history.epochs if epoch.train_loss is not None]
    return {"training": pictures * len(trained) / sum(trained)} if trained else {}
