"""The worst mistakes: the wrong answers of which the model was surest, and where in the picture it saw them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_resnet.data.listing import Sample
from edge_resnet.overlay import heat_map
from edge_resnet.train.report.figures import Figures

Heat = npt.NDArray[np.float32]

# Enough to see what kind of picture goes wrong; more make the page long and heavy.
MAX_MISTAKES = 24


@dataclass(frozen=True)
class Mistake:
    """A picture with a wrong answer.

    `frame`: H x W x 3, uint8, BGR. `truth`, `answer`: labels. `probability`, `true_probability`: given to each, 0..1.
    `heat`, `true_heat`: h x w, 0..1, the places that look like the answer, and like the truth (overlay.heat_map).
    """

    sample: Sample
    frame: npt.NDArray[np.uint8]
    truth: str
    answer: str
    probability: float
    true_probability: float
    heat: Heat
    true_heat: Heat

    def to_json(self) -> dict[str, Any]:
        """For report.json, without the pictures."""
        return {
            "path": str(self.sample.path),
            "group": self.sample.group,
            "truth": self.truth,
            "answer": self.answer,
            "probability": self.probability,
            "true_probability": self.true_probability,
        }


def worst(figures: Figures) -> tuple[Mistake, ...]:
    """At most MAX_MISTAKES, the surest first; the network is asked again for the maps of these alone."""
    material, probabilities = figures.material, figures.probabilities
    judged, temperature, labels = material.judged, material.spec.temperature, material.spec.labels
    truth, answers = judged.truth, probabilities.argmax(axis=1)
    wrong = np.flatnonzero(answers != truth)
    chosen = wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:MAX_MISTAKES]
    if not len(chosen):
        return ()
    cams = material.explain(judged.frames[chosen])
    return tuple(
        Mistake(
            sample=judged.samples[place],
            frame=judged.frames[place],
            truth=labels[truth[place]],
            answer=labels[answers[place]],
            probability=float(probabilities[place, answers[place]]),
            true_probability=float(probabilities[place, truth[place]]),
            # Not scaled by the picture's probability: the map of the class that lost would hardly be seen.
            heat=heat_map(cam, [int(answers[place])], 1.0, temperature),
            true_heat=heat_map(cam, [int(truth[place])], 1.0, temperature),
        )
        for place, cam in zip(chosen.tolist(), cams, strict=True)
    )
