"""Pictures without any edge: out of focus, shaken, or a wet lens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge_resnet.audit.check import Check, Finding
from edge_resnet.audit.measured import cameras, measure, one_each
from edge_resnet.audit.outlier import OUTLIER, modified_z_scores
from edge_resnet.data.survey import Survey

# Variance of the Laplacian at a longer side of 256 pixels (traits.Traits). Measured on real sets: dense smoke has 28
# and more; a Gaussian blur of 2 pixels takes pictures to 4 to 18 (median 9), one of 1 pixel to 14 to 134.
_SHARPNESS = 20.0
# Up to here a picture counts where it is unusual for its camera: a fixed camera's usual 400 becomes 11 to 69 by a blur
# of 1 pixel, while pictures of all kinds from the web reach down to 30 by nature, and vary too much to be outliers.
_SOFT = 100.0
# The logarithm's, about a tenth: less says nothing.
_LEAST_SPREAD = 0.1
# A picture without contrast is dark or blank, which is told by those checks.
_FLAT = 5.0


class Blurred(Check):
    """Hardly any edges at all; or soft, and far softer than what is usual on its camera (in logarithms)."""

    name = "blurred"
    meaning = "Pictures without sharp edges: out of focus, in motion, a wet or dirty lens."
    severity = "warning"

    def find(self, survey: Survey) -> Sequence[Finding]:
        sharpness = measure(survey, lambda traits: traits.sharpness)
        contrast = measure(survey, lambda traits: traits.contrast)
        scores = modified_z_scores(np.log1p(sharpness), cameras(survey), _LEAST_SPREAD)
        soft = (sharpness < _SHARPNESS) | ((sharpness < _SOFT) & (scores < -OUTLIER))
        return one_each(
            survey,
            soft & (contrast >= _FLAT),
            -sharpness,
            lambda t: f"sharpness {t.sharpness:.0f} (variance of the Laplacian)",
            "sharpness",
        )
