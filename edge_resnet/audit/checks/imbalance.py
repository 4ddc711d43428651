"""Classes with too few pictures: beside the others, or at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from edge_resnet.audit.check import Check, Finding
from edge_resnet.data.listing import SPLITS, Split
from edge_resnet.data.survey import Survey

# The smallest ratio that Buda et al. 2018 ("A systematic study of the class imbalance problem in convolutional neural
# networks") train ImageNet's classes at.
_MAX_RATIO = 10.0
# Of 10 right answers in 10, Wilson's 95% interval still begins at 72%: fewer pictures say nearly nothing.
_MIN_PICTURES = 10


class Imbalance(Check):
    """Looks at training's counts (all pictures, where there are no splits), and at each held-out split's."""

    name = "imbalance"
    meaning = "Classes with far fewer pictures than others, or with too few to learn from or to be judged on."
    severity = "warning"
    fixable = False

    def find(self, survey: Survey) -> Sequence[Finding]:
        return [*_ratio(survey), *_few(survey)]


def _ratio(survey: Survey) -> Iterator[Finding]:
    counts = _counts(survey, "train")
    most, least = max(counts, key=lambda name: counts[name]), min(counts, key=lambda name: counts[name])
    ratio = counts[most] / max(counts[least], 1)
    if ratio > _MAX_RATIO:
        yield Finding(
            f"{most} has {counts[most]} training pictures, {least} has {counts[least]}: {ratio:.0f} to 1; add some, or "
            "balance them in training",
            score=ratio,
            kind="ratio",
            facts={"most": counts[most], "least": counts[least]},
        )


def _few(survey: Survey) -> Iterator[Finding]:
    """One finding a split, however many classes are small."""
    present = {sample.split or "train" for sample in survey.listing.samples}
    for split in (name for name in SPLITS if name in present):
        few = {name: count for name, count in _counts(survey, split).items() if count < _MIN_PICTURES}
        if few:
            named = ", ".join(f"{name} {count}" for name, count in list(few.items())[:5])
            more = f" and {len(few) - 5} more" if len(few) > 5 else ""
            use = "learn from" if split == "train" else "judge by"
            yield Finding(
                f"{split}: {len(few)} class{'es have' if len(few) > 1 else ' has'} under {_MIN_PICTURES} pictures, too "
                f"few to {use} ({named}{more})",
                score=_MIN_PICTURES - min(few.values()),
                kind=f"few in {split}",
            )


def _counts(survey: Survey, split: Split) -> dict[str, int]:
    """Pictures a class; one with no split counts as training's."""
    count = Counter(sample.label for sample in survey.listing.samples if (sample.split or "train") == split)
    return {name: count[index] for index, name in enumerate(survey.listing.labels)}
