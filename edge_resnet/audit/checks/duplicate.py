"""The same file more than once in one class."""

from __future__ import annotations

from collections.abc import Sequence

from edge_resnet.audit.check import Check, Finding, name_of
from edge_resnet.audit.kin import all_but_one, classes_of, families, kept
from edge_resnet.data.related import related
from edge_resnet.data.survey import Survey


class Duplicate(Check):
    """Files of equal content (SHA-256) and class; those that cross the splits are told by the check `leak` too."""

    name = "duplicate"
    meaning = "The same file more than once in a class: training sees it more often, and figures count it twice."
    severity = "warning"

    def find(self, survey: Survey) -> Sequence[Finding]:
        relation = related(survey.listing, survey.store.hashes, "file")
        return [
            Finding(
                f"{len(members)} files of one picture; --fix keeps {name_of(survey.listing, kept(survey, members))}",
                pictures=members,
                score=len(members),
                moves=all_but_one(survey, members),
            )
            for members in families(relation)
            if len(classes_of(survey, members)) == 1
        ]
