"""What pictures of one clip are worth: less than as many that have nothing to do with each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_resnet.train.share import Share

# Pictures that are related but say nine tenths of what independent ones say are no news.
_WORTH = 0.9


@dataclass(frozen=True)
class Clustered:
    """`clusters` of related pictures among `n`, and the accuracy as if of `effective.n` independent pictures."""

    n: int
    clusters: int
    effective: Share

    @property
    def matters(self) -> bool:
        """Whether the pictures say clearly less than as many independent ones."""
        return self.effective.n < _WORTH * self.n


def clustered(right: npt.NDArray[np.bool_], clusters: npt.NDArray[np.int64]) -> Clustered:
    """How much less related pictures say. `right`: N, `clusters`: N numbers, the same for related pictures; N over 0.

    The accuracy's variance between clusters over that of independent pictures is the design effect; pictures and right
    answers are divided by it (Rao and Scott 1992, Biometrics 48:577). Where it cannot be estimated, since all answers
    or none are right or there is one cluster, each cluster counts as one picture.
    """
    _, places = np.unique(clusters, return_inverse=True)
    sizes = np.bincount(places)
    hits = np.bincount(places, weights=right)
    n, m, share = len(right), len(sizes), float(right.mean())
    if m == n:
        effective = n
    elif m == 1 or share in (0.0, 1.0):
        effective = m
    else:
        variance = m / (m - 1) * float(np.square(hits - share * sizes).sum()) / n**2
        # Rounded down, but not by the last bit of a float.
        effective = max(1, int(n / max(1.0, variance * n / (share * (1 - share))) + 1e-9))
    return Clustered(n, m, Share(round(share * effective), effective))
