"""Parts of a set with about equal shares of each class, in which related pictures stay together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold


def stratified_folds(
    labels: npt.NDArray[np.int64], relation: npt.NDArray[np.int64], folds: int, seed: int
) -> list[npt.NDArray[np.int64]]:
    """Positions (of N) in each of `folds` parts; related pictures stay together, classes have about equal shares."""
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    return [part for _rest, part in splitter.split(labels, labels, relation)]
