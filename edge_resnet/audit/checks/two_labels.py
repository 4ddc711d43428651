"""The same file in two classes."""

from __future__ import annotations

from collections.abc import Sequence

from edge_resnet.audit.check import Check, Finding
from edge_resnet.audit.kin import classes_of, families
from edge_resnet.data.related import related
from edge_resnet.data.survey import Survey


class TwoLabels(Check):
    """Files of equal content (SHA-256) in different classes.

    --fix takes all copies away: at least one label is wrong, and nothing here can tell which. The right one is put back
    by a person.
    """

    name = "two_labels"
    meaning = "The same file in different classes: one of the labels is wrong."
    severity = "error"

    def find(self, survey: Survey) -> Sequence[Finding]:
        samples = survey.listing.samples
        relation = related(survey.listing, survey.store.hashes, "file")
        return [
            Finding(
                f"one picture in {' and in '.join(classes)}",
                pictures=members,
                score=len(members),
                moves=tuple(samples[index].path for index in members),
            )
            for members in families(relation)
            if len(classes := classes_of(survey, members)) > 1
        ]
