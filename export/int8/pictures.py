"""The pictures that INT8 is calibrated on: a class-balanced set of the training split, and never one of the proof's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from edge_resnet import files
from edge_resnet.data.listing import SPLIT_FILE, Listing, Sample, read_table
from edge_resnet.errors import UserError
from edge_resnet.manifest import ModelSpec

# On a trained network 32 pictures did as well as 1,000 (docs/results.md); more cost time only.
DEFAULT_COUNT = 128
_FEWEST = 16


def calibration_pictures(run: Path, spec: ModelSpec, count: int = DEFAULT_COUNT) -> Listing:
    """At most `count` training pictures of a run, of every class as many if there are. Raises UserError.

    Which ones does not depend on where the pictures lie or on their order: they are taken by their content's hash.
    """
    listing = read_table(run / SPLIT_FILE, spec.labels)
    chosen = _balanced(listing.of("train"), count)
    if len(chosen) < _FEWEST:
        raise UserError(f"{run}: {len(chosen)} training pictures are too few to calibrate INT8; {_FEWEST} at least")
    if len({sample.label for sample in chosen}) == 1:
        only = spec.labels[chosen[0].label]
        raise UserError(f"{run}: all calibration pictures are of class {only}; INT8 needs some of every class")
    return listing.with_samples(chosen)


def refuse_leak(calibration: Listing, proof: Sequence[Sample]) -> None:
    """Raise UserError when a picture is in both: a proof on pictures that chose the thresholds proves nothing."""
    calibrated = {sample.content for sample in calibration.samples}
    for sample in proof:
        if (sample.content or files.sha256(sample.path)) in calibrated:
            raise UserError(
                f"{sample.path}: is a training picture that INT8 is calibrated on; "
                "prove on pictures that the run did not see (--data)"
            )


def _balanced(samples: Sequence[Sample], count: int) -> tuple[Sample, ...]:
    """One picture of each class in turn, until there are `count` or no more; copies of a picture count once."""
    unique = {sample.content: sample for sample in samples}
    by_class: dict[int, list[Sample]] = defaultdict(list)
    for _content, sample in sorted(unique.items()):
        by_class[sample.label].append(sample)
    turns = zip_longest(*(by_class[label] for label in sorted(by_class)))
    return tuple(sample for turn in turns for sample in turn if sample is not None)[:count]
