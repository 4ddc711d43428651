"""The nearest class mean: what the features know by themselves, without anything being fitted to the classes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Features = npt.NDArray[np.float32]

_TINY = 1e-12


def nearest_mean(train: Features, truth: npt.NDArray[np.int64], others: Features, classes: int) -> Features:
    """Minus the squared distance to each class mean: for `others` (M x D) M x C, float32; the largest is the answer.

    `train`: N x D features of training pictures, `truth`: their class indices. Features have the training mean taken
    off and are scaled to length 1, and the means are those of the scaled ones: SimpleShot's CL2N (Wang et al. 2019),
    which made the plain nearest class mean (Mensink et al. 2013) as good as far more learned ways for few pictures. A
    class without a training picture is never the answer (minus infinity).
    """
    centre = train.mean(axis=0, dtype=np.float64)
    scaled, asked = _scaled(train - centre), _scaled(others - centre)
    counts = np.bincount(truth, minlength=classes)
    sums = np.stack([scaled[truth == index].sum(0) for index in range(classes)])
    means = sums / np.maximum(counts, 1)[:, np.newaxis]
    distances = np.square(asked).sum(1)[:, np.newaxis] - 2 * asked @ means.T + np.square(means).sum(1)
    return np.where(counts > 0, -distances, -np.inf).astype(np.float32)


def _scaled(centred: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Each row divided by its length."""
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), _TINY), np.float64)
