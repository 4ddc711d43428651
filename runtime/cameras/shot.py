"""A shot: a frame made ready for everything that will look at it, on the thread that decoded it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_resnet.preprocess import Preprocess
from runtime.cameras.mask import Mask
from runtime.cameras.measure import Seen, measure
from runtime.sources.frame import Frame


@dataclass(frozen=True)
class Shot:
    """A frame with its masks blanked. `due`: for a look; else it is only for people's eyes, and the rest is None.

    `seen`: what was measured of it. `input`: the network's, height x width x 3, uint8, BGR.
    """

    frame: Frame
    seen: Seen | None = None
    input: npt.NDArray[np.uint8] | None = None

    @property
    def due(self) -> bool:
        return self.input is not None


@dataclass(frozen=True)
class Maker:
    """Makes shots. Decoding threads do it, so that resizing and measuring use all cores and not the main thread's."""

    mask: Mask
    preprocess: Preprocess

    def make(self, frame: Frame, due: bool) -> Shot:
        """Blank the masked parts of `frame` for good, before anybody sees them; measure and resize what is due.

        It is measured first: a mask would look like a black camera, and its edge like a sharp one.
        """
        seen = measure(frame.image) if due else None
        self.mask.blank(frame.image)
        return Shot(frame, seen, self.preprocess(frame.image) if due else None)
