"""Files that are called pictures and cannot be used as such."""

from __future__ import annotations

from collections.abc import Sequence

from edge_resnet.audit.check import Check, Finding, Severity, short
from edge_resnet.data.listing import refuse_if_too_many
from edge_resnet.data.survey import Survey
from edge_resnet.errors import UserError


class Unreadable(Check):
    """Training skips such pictures, and refuses to begin when they are many; then this is an error."""

    name = "unreadable"
    meaning = "Empty, damaged or unusual files, which training skips."
    severity = "warning"

    def find(self, survey: Survey) -> Sequence[Finding]:
        skipped, root = survey.store.skipped, survey.listing.root
        try:
            refuse_if_too_many(skipped, len(survey.listing.samples) + len(skipped), root)
            severity: Severity = "warning"
        except UserError:
            severity = "error"
        return [
            Finding(
                f"{short(item.path, root)}: {item.reason}",
                files=(item.path,),
                kind=item.reason,
                severity=severity,
                moves=(item.path,),
            )
            for item in skipped
        ]
