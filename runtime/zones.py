"""Zones: what a part of the picture says, from the class activation map alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge_resnet.manifest import ModelSpec


class Zone:
    """A polygon of one camera's picture, and its evidence in a map of the network."""

    def __init__(self, name: str, polygon: tuple[tuple[float, float], ...], model: ModelSpec) -> None:
        """`polygon`: corners [x, y], 0..1 from the frame's top left. Raises UserError for a map under 7x7 cells."""
        self.name = name
        raise NotImplementedError

    def probabilities(
        self, cam: npt.NDArray[np.float32], frame_height: int, frame_width: int
    ) -> npt.NDArray[np.float64]:
        """The probability of each class in the zone (C, float64, sums to 1): the softmax, with the temperature, of the
        mean of `cam` (C x h x w) over the zone.
        """
        raise NotImplementedError
