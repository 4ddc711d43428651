"""What a report is made of: everything that a finished run knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_resnet.data.listing import Sample, Skipped, Split
from edge_resnet.manifest import ModelSpec
from edge_resnet.train.checkpoint import History
from edge_resnet.train.evaluate import Evaluation
from edge_resnet.train.thresholds import AlarmChoice

Frames = npt.NDArray[np.uint8]

# The stages that a trained network has to beat to be worth its training.
NEAREST_MEAN, PROBE = "nearest class mean", "linear probe"


@dataclass(frozen=True)
class Stage:
    """A line of the closing table: who answered, and how well."""

    name: str
    evaluation: Evaluation

    def to_json(self) -> dict[str, Any]:
        """For report.json."""
        return {"stage": self.name, **self.evaluation.to_json()}


@dataclass(frozen=True)
class Judged:
    """The pictures of one split and the final model's answers to them.

    `frames`: N x H x W x 3, uint8, BGR, the network's input. `samples`: N, where each picture comes from. `logits`:
    N x C, float32, before the temperature. `leaking`: N, whether a picture is related to one of training. `clusters`: N
    numbers, the same for pictures that are related to each other (see edge_resnet.data.related); None: by their clips.
    """

    split: Split
    frames: Frames
    samples: tuple[Sample, ...]
    logits: npt.NDArray[np.float32]
    leaking: npt.NDArray[np.bool_]
    clusters: npt.NDArray[np.int64] | None = None

    @property
    def truth(self) -> npt.NDArray[np.int64]:
        """N class indices."""
        return np.array([sample.label for sample in self.samples], np.int64)


@dataclass(frozen=True)
class Material:
    """A finished run.

    `run`: its folder, as it is told. `spec`: the model's, with its final temperature and thresholds. `stages`: from the
    blind guess to the trained network, which is the last; all on the pictures of `judged`. `val`, `judged`: validation,
    and test, or validation again where there is no test. `counts`: pictures by split and class. `asked`, `chosen`: the
    options and the settings. `audit`: the audit's summary, None where it was not run. `seconds`: of the whole run.
    `pictures_per_second`: by what was done. `explain`: class activation maps (N x C x h x w, float32) of some frames.
    """

    run: str
    spec: ModelSpec
    stages: tuple[Stage, ...]
    val: Judged
    judged: Judged
    history: History
    counts: Mapping[Split, Mapping[str, int]]
    skipped: tuple[Skipped, ...]
    data_fingerprint: str
    device: str
    processor: str
    versions: Mapping[str, str]
    asked: Mapping[str, Any]
    chosen: Mapping[str, Any]
    audit: Mapping[str, Any] | None
    alarms: tuple[AlarmChoice, ...]
    seconds: float
    pictures_per_second: Mapping[str, float]
    explain: Callable[[Frames], npt.NDArray[np.float32]]

    @property
    def final(self) -> Stage:
        """The trained network."""
        return self.stages[-1]

    def stage(self, name: str) -> Stage | None:
        """The stage of this name, if the run had it."""
        return next((stage for stage in self.stages if stage.name == name), None)
