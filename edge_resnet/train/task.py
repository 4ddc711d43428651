"""The pictures of a training: decoded once, each with its split."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_resnet.data import store
from edge_resnet.data.listing import Listing, Split
from edge_resnet.train.loop import Labelled


@dataclass(frozen=True)
class Task:
    """Labelled pictures with their splits.

    `listing`: the samples; `evaluation` and `training`: their frames in that order, N x H x W x 3, uint8, BGR, of the
    input's size and a seventh larger.
    """

    listing: Listing
    evaluation: npt.NDArray[np.uint8]
    training: npt.NDArray[np.uint8]

    @classmethod
    def kept(cls, listing: Listing, cache: Path) -> Task:
        """The pictures that another process has decoded into `cache`."""
        return cls(listing, *store.arrays(cache, len(listing.samples)))

    def of(self, name: Split) -> tuple[list[int], npt.NDArray[np.int64]]:
        """Positions of one split's samples, and their class indices."""
        chosen = [(index, sample.label) for index, sample in enumerate(self.listing.samples) if sample.split == name]
        return [index for index, _ in chosen], np.array([label for _, label in chosen], np.int64)

    def labelled(self, name: Split) -> Labelled:
        """The frames of one split, for evaluation."""
        positions, truth = self.of(name)
        return Labelled(self.evaluation[positions], truth)

    def counts(self, name: Split) -> list[int]:
        """Pictures of each class in a split."""
        return list(self.listing.counts(name).values())

    def with_listing(self, listing: Listing) -> Task:
        """The same pictures with other splits."""
        return replace(self, listing=listing)

    @property
    def judged_on(self) -> Split:
        """The split that the report's figures come from: test where there is one."""
        return "test" if self.of("test")[0] else "val"
