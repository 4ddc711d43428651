"""Families of related pictures, and which of them is kept when the others go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_resnet.data.survey import Survey

# More look-alikes than this are a scene that a fixed camera sees all day, or a whole clip; fewer are copies. In real
# sets (fire from the web, three fixed cameras) bursts have up to 7 pictures, cameras 22 to 41.
SCENE_PICTURES = 10
# Held-out pictures stay, so that figures before and after can be compared.
_FIRST_KEPT = {"test": 0, "val": 1, "train": 2, None: 2}


def families(relation: npt.NDArray[np.int64]) -> list[tuple[int, ...]]:
    """The members of each number of `relation` (N) that two or more share."""
    order = np.argsort(relation, kind="stable")
    starts = np.flatnonzero(np.diff(relation[order])) + 1
    return [tuple(part.tolist()) for part in np.split(order, starts) if len(part) > 1]


def kept(survey: Survey, members: Sequence[int]) -> int:
    """Which of `members` stays: one of test before val before train, then the largest, then the first."""

    def rank(index: int) -> tuple[int, int, int]:
        traits = survey.store.traits[index]
        return _FIRST_KEPT[survey.listing.samples[index].split], -traits.width * traits.height, index

    return min(members, key=rank)


def all_but_one(survey: Survey, members: Sequence[int]) -> tuple[Path, ...]:
    """The files of all `members` but the one that is kept."""
    stays = kept(survey, members)
    return tuple(survey.listing.samples[index].path for index in members if index != stays)


def classes_of(survey: Survey, members: Sequence[int]) -> tuple[str, ...]:
    """The names of the classes that `members` have, in order."""
    return tuple(survey.listing.labels[label] for label in sorted({survey.listing.samples[i].label for i in members}))
