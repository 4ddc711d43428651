"""A look: one frame classified, its calibrated probabilities by class and by alarm, where they come from, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_resnet.classifier import Scores
from edge_resnet.manifest import ModelSpec
from edge_resnet.probability import softmax, sum_of_classes
from runtime.sources.frame import Frame


@dataclass(frozen=True)
class Occasion:
    """Why a frame was looked at.

    `gate`: why it was open (runtime/cameras/gate.py), "off" without one. `attention`: the rung of the ladder that the
    camera was on (asleep, glance, watch), empty without a ladder; `attention_why`: what there was to watch it for
    (runtime/attention.py: motion, always, site, operator, evidence), empty for nothing.
    """

    gate: str = "off"
    attention: str = ""
    attention_why: str = ""


@dataclass(frozen=True)
class Look:
    """What the network saw in one frame.

    `camera`, `time_s`, `index`: of the frame. `probabilities`: by label, they sum to 1. `alarms`: by alarm, 0..1.
    `cam`: C x h x w, float32, the class activation map. `frame_height`, `frame_width`: of the frame, in pixels.
    `occasion`: why there was a look.
    """

    camera: str
    time_s: float
    index: int
    probabilities: Mapping[str, float]
    alarms: Mapping[str, float]
    cam: npt.NDArray[np.float32]
    frame_height: int
    frame_width: int
    occasion: Occasion = Occasion()

    @property
    def label(self) -> str:
        """The most probable class."""
        return max(self.probabilities, key=self.probabilities.__getitem__)


def looks(model: ModelSpec, frames: list[Frame], scores: Scores) -> list[Look]:
    """The looks at `frames`, from the network's answer to them as one batch, in the same order."""
    probabilities = softmax(scores.logits, model.temperature)
    alarms = {name: sum_of_classes(probabilities, model.class_indices(name)) for name in model.alarms}
    return [
        Look(
            camera=frame.camera,
            time_s=frame.time_s,
            index=frame.index,
            probabilities=dict(zip(model.labels, probabilities[number].tolist(), strict=True)),
            alarms={name: float(values[number]) for name, values in alarms.items()},
            cam=scores.cam[number],
            frame_height=frame.shape[0],
            frame_width=frame.shape[1],
        )
        for number, frame in enumerate(frames)
    ]
