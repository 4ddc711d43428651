"""How far a measure of one picture lies from that of the others of its camera."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

# "Modified z-scores with an absolute value over 3.5 be labelled as potential outliers" (Iglewicz and Hoaglin 1993).
OUTLIER = 3.5
_TO_DEVIATION = 0.6745
# A camera of fewer pictures says too little of what is usual on it: the whole set does.
_MIN_PICTURES = 10


def modified_z_scores(
    values: npt.NDArray[np.float64], groups: Sequence[str], least_spread: float
) -> npt.NDArray[np.float64]:
    """0.6745 (x - median) / MAD of each value (N) among those of its group, or of all where its group is small.

    `least_spread`: the smallest median absolute deviation to believe in, in the unit of `values`.
    """
    names = np.array(groups, dtype=np.str_)
    scores = _scores(values, least_spread)
    for name in np.unique(names):
        members = names == name
        if members.sum() >= _MIN_PICTURES:
            scores[members] = _scores(values[members], least_spread)
    return scores


def _scores(values: npt.NDArray[np.float64], least_spread: float) -> npt.NDArray[np.float64]:
    if not len(values):
        return np.zeros(0)
    median = np.median(values)
    spread = max(float(np.median(np.abs(values - median))), least_spread)
    return np.asarray(_TO_DEVIATION * (values - median) / spread, np.float64)
