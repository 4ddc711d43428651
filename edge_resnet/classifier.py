"""What everything that classifies frames gives: the contract that each backend fulfils."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Scores:
    """A network's answer to N frames.

    `logits`: N x C, float32. `cam`: N x C x h x w, float32, the class activation map; logits = mean of cam over h, w.
    """

    logits: npt.NDArray[np.float32]
    cam: npt.NDArray[np.float32]


class Classifier(Protocol):
    """Anything that turns frames into scores."""

    def infer(self, frames: npt.NDArray[np.uint8]) -> Scores:
        """Classify `frames`: N x H x W x 3, uint8, BGR, already of the network's input size; N at least 1."""
        ...
