"""Pictures in which next to nothing can be seen, because they are too dark."""

from __future__ import annotations

from collections.abc import Sequence

from edge_resnet.audit.check import Check, Finding
from edge_resnet.audit.measured import brightness_scores, measure, one_each
from edge_resnet.audit.outlier import OUTLIER
from edge_resnet.data.survey import Survey

# Grey levels of 255. Measured on real sets: fires at night that are plain to see have a mean of 18 to 35 and a contrast
# (standard deviation) of 30 to 52; crops of 10 to 12 still show a shape with 22 to 34.
_BLACK, _FLAT = 20.0, 20.0
# A night camera's usual picture is 30 to 60: darker than this counts only where it is unusual for the camera, and where
# there is not even the contrast of a flame in the night.
_DIM, _DULL = 40.0, 30.0


class Dark(Check):
    """Nearly black and without contrast; or dim, and far darker than what is usual on its camera."""

    name = "dark"
    meaning = "Pictures too dark to see anything: a covered lens, a lamp that failed."
    severity = "warning"

    def find(self, survey: Survey) -> Sequence[Finding]:
        brightness = measure(survey, lambda traits: traits.brightness)
        contrast = measure(survey, lambda traits: traits.contrast)
        black = (brightness < _BLACK) & (contrast < _FLAT)
        unusual = (brightness < _DIM) & (contrast < _DULL) & (brightness_scores(survey) < -OUTLIER)
        return one_each(
            survey, black | unusual, -brightness, lambda t: f"mean brightness {t.brightness:.0f} of 255", "brightness"
        )
