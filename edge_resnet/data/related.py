"""Which pictures belong together, and which of them are on both sides of a split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from edge_resnet import duplicates
from edge_resnet.data.listing import Listing

# What makes two pictures related: the same file; also a similar look; also one clip; also one camera.
Kinship = Literal["file", "look", "clip", "group"]


def related(listing: Listing, hashes: Sequence[int], kinship: Kinship) -> npt.NDArray[np.int64]:
    """A number for each sample, the same for all that are related, also through others (N, int64).

    `hashes`: perceptual hashes. Each kinship includes those before it.
    """
    samples = listing.samples
    names = [[sample.content for sample in samples]]
    if kinship in ("clip", "group"):
        names.append([f"{sample.group}/{sample.clip}" if sample.clip else "" for sample in samples])
    if kinship == "group":
        names.append([sample.group for sample in samples])
    near_bits = None if kinship == "file" else duplicates.NEAR_BITS
    return duplicates.groups(hashes, near_bits, names)


def leaking(listing: Listing, relation: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which samples (N) are in validation or test and related to one in train."""
    splits = np.array([sample.split or "" for sample in listing.samples])
    trained = np.unique(relation[splits == "train"])
    return np.asarray((splits != "train") & np.isin(relation, trained))
