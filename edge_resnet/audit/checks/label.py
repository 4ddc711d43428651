"""Pictures whose label is probably wrong, by confident learning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from cleanlab.filter import find_label_issues
from sklearn.metrics import cohen_kappa_score

from edge_resnet.audit.check import Check, Finding, NotRun
from edge_resnet.audit.out_of_fold import FOLDS, OutOfFold, out_of_fold
from edge_resnet.data.survey import Survey

_MAX_NAMED_SHARE = 0.1
# Cohen's kappa of the probe with the labels; up to 0.4 agreement is at best "fair" (Landis and Koch 1977), and what the
# probe doubts is nearly always its own mistake (measured: docs/decisions/0013-audit.md).
_MIN_KAPPA = 0.4


class Label(Check):
    """Out-of-fold probabilities of a linear probe on pretrained features, judged by cleanlab (Northcutt et al. 2021).

    Named are, of those that cleanlab finds, the ones with the least probability of the given label first, and at most a
    tenth of all pictures: a list to look through, not a list of errors.
    """

    name = "label"
    meaning = "Suspected wrong labels, the likeliest first: a list to look through."
    severity = "warning"

    def find(self, survey: Survey) -> Sequence[Finding]:
        judged = out_of_fold(survey)
        answered = judged.probabilities.argmax(axis=1)
        if not cohen_kappa_score(judged.given, answered) > _MIN_KAPPA:
            raise NotRun(
                f"a probe on these weights is right on {(answered == judged.given).mean():.0%} of the pictures only, "
                "so that suspicions would be guesses; more pictures or better --weights are needed"
            )
        suspects = find_label_issues(
            judged.given,
            judged.probabilities,
            filter_by="low_self_confidence",
            return_indices_ranked_by="self_confidence",
            n_jobs=1,
        )
        named = suspects[: int(_MAX_NAMED_SHARE * len(judged.pictures))].tolist()
        return [*(_suspected(survey, judged, place) for place in named), *_left_out(survey, judged)]


def _suspected(survey: Survey, judged: OutOfFold, place: int) -> Finding:
    probabilities = judged.probabilities[place]
    given, likely = int(judged.given[place]), int(probabilities.argmax())
    names = survey.listing.labels
    name_given, name_likely = names[judged.classes[given]], names[judged.classes[likely]]
    index = int(judged.pictures[place])
    return Finding(
        f"labelled {name_given} ({probabilities[given]:.1%}), looks like {name_likely} ({probabilities[likely]:.1%})",
        pictures=(index,),
        score=1.0 - float(probabilities[given]),
        kind=f"{name_given}, likely {name_likely}",
        moves=(survey.listing.samples[index].path,),
        facts={
            "given": name_given,
            "suggested": name_likely,
            "probability_given": round(float(probabilities[given]), 6),
            "probability_suggested": round(float(probabilities[likely]), 6),
        },
    )


def _left_out(survey: Survey, judged: OutOfFold) -> Sequence[Finding]:
    labels = np.array([sample.label for sample in survey.listing.samples])
    left_out = [survey.listing.labels[label] for label in sorted({*labels.tolist()} - {*judged.classes})]
    if not left_out:
        return []
    named = ", ".join(left_out[:5]) + (f" and {len(left_out) - 5} more" if len(left_out) > 5 else "")
    return [
        Finding(
            f"labels of {named} were not judged: fewer than {FOLDS} different pictures",
            severity="note",
            kind="not judged",
            score=-1.0,
        )
    ]
