"""A look: one frame classified, its calibrated probabilities by class and by alarm, and where they come from."""

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
class Look:
    """What the network saw in one frame.

    `camera`, `time_s`, `index`: of the frame. `probabilities`: by label, they sum to 1. `alarms`: by alarm, 0..1.
    `cam`: C x h x w, float32, the class activation map. `frame_height`, `frame_width`: of the frame, in pixels.
    """

    camera: str
    time_s: float
    index: int
    probabilities: Mapping[str, float]
    alarms: Mapping[str, float]
    cam: npt.NDArray[np.float32]
    frame_height: int
    frame_width: int

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
