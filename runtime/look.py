"""A look: one frame classified, its calibrated probabilities by class and by alarm, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_resnet.classifier import Classifier
from edge_resnet.errors import BackendError
from edge_resnet.manifest import ModelSpec
from edge_resnet.probability import softmax, sum_of_classes
from runtime.sources.frame import Frame


@dataclass(frozen=True)
class Look:
    """What the network saw in one frame.

    `time_s`, `index`: of the frame. `probabilities`: by label, they sum to 1. `alarms`: by alarm, 0..1.
    `cam`: C x h x w, float32, the class activation map.
    """

    time_s: float
    index: int
    probabilities: Mapping[str, float]
    alarms: Mapping[str, float]
    cam: npt.NDArray[np.float32]

    @property
    def label(self) -> str:
        """The most probable class."""
        return max(self.probabilities, key=self.probabilities.__getitem__)


@dataclass(frozen=True)
class Examiner:
    """Takes looks: preprocessing, classifier, calibrated probabilities, alarms."""

    classifier: Classifier
    model: ModelSpec

    def look(self, frame: Frame) -> Look:
        """Classify one frame. Raises BackendError when the answer holds what is no number."""
        scores = self.classifier.infer(self.model.input.preprocess(frame.image)[np.newaxis])
        if not np.isfinite(scores.logits).all():
            # Compared with a threshold, NaN is simply "no alarm": a broken engine would watch in silence for ever.
            raise BackendError(
                f"the backend gave logits that are no numbers at {frame.time_s:.1f} s; try another --backend"
            )
        probabilities = softmax(scores.logits[0], self.model.temperature)
        return Look(
            time_s=frame.time_s,
            index=frame.index,
            probabilities=dict(zip(self.model.labels, probabilities.tolist(), strict=True)),
            alarms={
                name: float(sum_of_classes(probabilities, self.model.class_indices(name))) for name in self.model.alarms
            },
            cam=scores.cam[0],
        )
