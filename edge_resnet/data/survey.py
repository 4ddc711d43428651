"""Everything that is known of a task's pictures before training: what the audit looks at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_resnet.data.listing import Listing
from edge_resnet.data.store import Store


@dataclass(frozen=True)
class Survey:
    """A task's pictures.

    `listing`: the samples that could be read, with their splits (None where the folder has none). `store`: their
    decoded frames and traits, in the same order. `features`: N x 2048, float32, pooled features of a pretrained
    body, or None without one.
    """

    listing: Listing
    store: Store
    features: npt.NDArray[np.float32] | None = None
