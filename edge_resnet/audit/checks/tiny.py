"""Pictures far smaller than the network's input."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from edge_resnet.audit.check import Check, Finding
from edge_resnet.data.survey import Survey

# Enlarging by more than twice in both directions: three pixels in four of what the network looks at are made up.
_MAX_ENLARGED = 2.0


class Tiny(Check):
    """Smaller than half the input in width and in height; one finding a size, as a whole set may be of one."""

    name = "tiny"
    meaning = (
        "Pictures less than half as wide and as high as the network's input: too little to see, or a wrong --input."
    )
    severity = "warning"

    def find(self, survey: Survey) -> Sequence[Finding]:
        height, width = survey.store.evaluation.shape[1:3]
        of_size: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, traits in enumerate(survey.store.traits):
            if traits.width * _MAX_ENLARGED < width and traits.height * _MAX_ENLARGED < height:
                of_size[traits.width, traits.height].append(index)
        return [
            Finding(
                f"{len(pictures)} of {size[0]} x {size[1]} pixels, for an input of {width} x {height}",
                pictures=tuple(pictures),
                score=-float(size[0] * size[1]),
                moves=tuple(survey.listing.samples[index].path for index in pictures),
                facts={"width": size[0], "height": size[1]},
            )
            for size, pictures in of_size.items()
        ]
