"""Pictures in which next to nothing can be seen, because they are washed out."""

from __future__ import annotations

from collections.abc import Sequence

from edge_resnet.audit.check import Check, Finding
from edge_resnet.audit.measured import brightness_scores, measure, one_each
from edge_resnet.audit.outlier import OUTLIER
from edge_resnet.data.survey import Survey

# Grey levels of 255. Measured on real sets: things before a white ground reach a mean of 237 with a contrast (standard
# deviation) of 36; at 241 and 23 there was white sky and nothing else.
_WHITE, _FLAT = 235.0, 25.0
# Brighter than a clear sky usually is (up to 220 on real sets): counts where it is unusual for the camera, and where
# there is not even the contrast of a thing before a white ground.
_BRIGHT, _DULL = 220.0, 30.0


class Overexposed(Check):
    """Nearly white and without contrast; or very bright, and far brighter than what is usual on its camera."""

    name = "overexposed"
    meaning = "Pictures too bright to see anything: the sun in the lens, an exposure that failed."
    severity = "warning"

    def find(self, survey: Survey) -> Sequence[Finding]:
        brightness = measure(survey, lambda traits: traits.brightness)
        contrast = measure(survey, lambda traits: traits.contrast)
        white = (brightness > _WHITE) & (contrast < _FLAT)
        unusual = (brightness > _BRIGHT) & (contrast < _DULL) & (brightness_scores(survey) > OUTLIER)
        return one_each(
            survey, white | unusual, brightness, lambda t: f"mean brightness {t.brightness:.0f} of 255", "brightness"
        )
