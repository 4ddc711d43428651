"""Pictures of one tone: what a recorder writes when its camera is away."""

from __future__ import annotations

from collections.abc import Sequence

from edge_resnet.audit.check import Check, Finding
from edge_resnet.audit.measured import measure, one_each
from edge_resnet.data.survey import Survey

# Grey levels (standard deviation). The least of 2,681 real pictures was 20; noise of a sensor makes 1 to 3.
_FLAT = 5.0


class Blank(Check):
    """No contrast at all: a grey, blue or green frame."""

    name = "blank"
    meaning = "Pictures of a single tone: no signal, a test colour, fog up to the lens."
    severity = "warning"

    def find(self, survey: Survey) -> Sequence[Finding]:
        contrast = measure(survey, lambda traits: traits.contrast)
        return one_each(survey, contrast < _FLAT, -contrast, lambda t: f"contrast {t.contrast:.1f} of 255", "contrast")
