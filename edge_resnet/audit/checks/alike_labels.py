"""Class folders whose names a person would take for one class."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

from edge_resnet.audit.check import Check, Finding
from edge_resnet.data.survey import Survey


class AlikeLabels(Check):
    """Names that differ by spaces, dashes, underscores or the way in which Unicode writes a letter."""

    name = "alike_labels"
    meaning = "Class folders whose names differ only by spaces, dashes, case or Unicode form."
    severity = "error"
    fixable = False

    def find(self, survey: Survey) -> Sequence[Finding]:
        labels = survey.listing.labels
        folded: dict[str, list[int]] = defaultdict(list)
        for index, label in enumerate(labels):
            folded[re.sub(r"[\s_-]+", "", unicodedata.normalize("NFKC", label).casefold())].append(index)
        return [
            Finding(
                f"{' and '.join(repr(labels[index]) for index in alike)} are {len(alike)} classes to training; "
                "put their pictures in one folder, or rename one"
            )
            for alike in folded.values()
            if len(alike) > 1
        ]
