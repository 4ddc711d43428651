"""Validation and test pictures that training has seen, or nearly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from edge_resnet.audit.check import Check, Finding, NotRun, Severity
from edge_resnet.audit.kin import SCENE_PICTURES
from edge_resnet.data.related import Kinship, leaking, related
from edge_resnet.data.survey import Survey

# From the surest to the least sure: how bad it is, and how the held-out pictures are related to training's. A clip is
# only guessed from file names.
_WAYS: dict[Kinship, tuple[Severity, str, str]] = {
    "file": ("error", "same file", "is the same file as"),
    "look": ("error", "look-alike", "looks like"),
    "clip": ("warning", "same clip", "is by its name of the same clip as"),
}


class Leak(Check):
    """A picture counts once, in the surest way that it is related to a training picture.

    A fixed camera's view that reaches over the splits is a warning: its pictures look alike whatever happens in them,
    so that figures are too good, but no picture need be a copy. --fix takes the training pictures away, so that
    figures before and after are on the same held-out pictures.
    """

    name = "leak"
    meaning = "Validation or test pictures that are related to training's: figures on them are too good."
    severity = "error"

    def find(self, survey: Survey) -> Sequence[Finding]:
        listing = survey.listing
        splits = {sample.split for sample in listing.samples}
        if "train" not in splits or not splits & {"val", "test"}:
            raise NotRun("the pictures have no splits yet; finetune makes them, and keeps related pictures in one")
        told = np.zeros(len(listing.samples), np.bool_)
        found: list[Finding] = []
        for kinship in _WAYS:
            relation = related(listing, survey.store.hashes, kinship)
            leaks = leaking(listing, relation) & ~told
            found += _of_kind(survey, kinship, relation, leaks)
            told |= leaks
        return found


def _of_kind(
    survey: Survey, kinship: Kinship, relation: npt.NDArray[np.int64], leaks: npt.NDArray[np.bool_]
) -> Iterator[Finding]:
    """A finding for each family with `leaks` (N) in it."""
    samples = survey.listing.samples
    severity, kind, words = _WAYS[kinship]
    trained = np.array([sample.split == "train" for sample in samples])
    for family in np.unique(relation[leaks]):
        held_out = np.flatnonzero((relation == family) & leaks).tolist()
        seen = np.flatnonzero((relation == family) & trained).tolist()
        scene = kinship == "look" and len(held_out) + len(seen) > SCENE_PICTURES
        counts = f"{len(held_out)} held-out and {len(seen)} training pictures"
        sentence = f"{_splits(survey, held_out)} picture {words} {len(seen)} of train"
        if len(held_out) > 1:
            sentence = f"{counts}: each held-out one {words} one of train"
        if scene:
            sentence = f"{counts} look alike: a fixed camera's view, or one clip, that reaches over the splits"
        yield Finding(
            sentence,
            pictures=(*held_out, *seen),
            score=len(held_out),
            kind="scene" if scene else kind,
            severity="warning" if scene else severity,
            moves=() if scene else tuple(samples[index].path for index in seen),
            facts={"held_out": len(held_out), "training": len(seen)},
        )


def _splits(survey: Survey, pictures: Sequence[int]) -> str:
    return "a " + " and ".join(sorted({survey.listing.samples[index].split or "" for index in pictures}))
