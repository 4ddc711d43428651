"""What the checks of single pictures share: a measure of each, and a finding for each that is out of bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from edge_resnet.audit.check import Finding
from edge_resnet.audit.outlier import modified_z_scores
from edge_resnet.data.survey import Survey
from edge_resnet.data.traits import Traits

# Grey levels. A camera in a lit room drifts by about one: below that nothing is an outlier.
_LEAST_SPREAD = 1.0


def measure(survey: Survey, of: Callable[[Traits], float]) -> npt.NDArray[np.float64]:
    """One number of each picture (N, float64)."""
    return np.array([of(traits) for traits in survey.store.traits], np.float64)


def brightness_scores(survey: Survey) -> npt.NDArray[np.float64]:
    """How unusually bright each picture is for its camera: modified z-scores (N, float64), negative for dark ones."""
    values = measure(survey, lambda traits: traits.brightness)
    return modified_z_scores(values, cameras(survey), _LEAST_SPREAD)


def cameras(survey: Survey) -> list[str]:
    """The camera of each picture, as far as it is known."""
    return [sample.group for sample in survey.listing.samples]


def one_each(
    survey: Survey,
    wrong: npt.NDArray[np.bool_],
    badness: npt.NDArray[np.float64],
    told: Callable[[Traits], str],
    fact: str,
) -> Sequence[Finding]:
    """A finding for each picture that is `wrong` (N), ranked by `badness` (N); `fact` is the trait that it tells."""
    samples, traits = survey.listing.samples, survey.store.traits
    return [
        Finding(
            told(traits[index]),
            pictures=(index,),
            score=float(badness[index]),
            moves=(samples[index].path,),
            facts={fact: round(float(getattr(traits[index], fact)), 1)},
        )
        for index in np.flatnonzero(wrong).tolist()
    ]
