"""Cutting validation and test from the training pictures: seeded, stratified, near-duplicates together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edge_resnet.data.folds import stratified_folds
from edge_resnet.data.listing import Listing, Split
from edge_resnet.data.related import Kinship, related
from edge_resnet.errors import UserError

# Each missing split gets one fold of this many: 14% of the pictures.
_FOLDS = 7
# Large groups may take more than their split's share, but training must keep this much of every class.
_MIN_TRAIN_SHARE = 0.5

# What is kept together, from the most honest to the least, and what its groups are called.
_KINSHIPS: dict[Kinship, str] = {
    "group": "cameras",
    "clip": "clips",
    "look": "groups of look-alikes",
    "file": "different files",
}
_HONEST: tuple[Kinship, ...] = ("group", "clip")


class _TooFewGroups(UserError):
    """A class has too few groups of related pictures for its splits."""


def complete(listing: Listing, hashes: list[int], seed: int, tell: Callable[[str], None]) -> Listing:
    """Assign a split to every sample; what the folders say stays, a missing val (or test) is cut from train.

    A test folder that is there is never touched; test is cut only where neither val/ nor test/ was given. Pictures of
    one camera, one clip or of near perceptual `hashes` land in the same split. Where there are too few cameras, clips
    are kept together; too few clips, look-alikes; too few of those, as with a fixed camera, equal files: `tell` is told
    so. Raises UserError when a class has too few pictures for that.
    """
    given = {sample.split for sample in listing.samples}
    if "val" in given:
        return listing
    to_cut: list[Split] = ["val"] if "test" in given else ["val", "test"]
    relations = {kinship: related(listing, hashes, kinship) for kinship in _KINSHIPS}
    reasons: dict[Kinship, _TooFewGroups] = {}
    for kinship, relation in relations.items():
        try:
            cut = _assign(listing, relation, kinship, to_cut, seed)
        except _TooFewGroups as error:
            reasons[kinship] = error
        else:
            _confess(reasons, relations, kinship, tell)
            return cut
    raise reasons["file"]


def _confess(
    reasons: Mapping[Kinship, _TooFewGroups],
    relations: Mapping[Kinship, npt.NDArray[np.int64]],
    kept: Kinship,
    tell: Callable[[str], None],
) -> None:
    """Tell what could not be kept together, and what that means."""
    if "look" in reasons:
        tell(
            f"{reasons['look']}; so they are cut one by one, as a fixed camera's must be, and figures on them will be "
            "too good: record a test folder on another day"
        )
        return
    for kinship in _HONEST:
        if kinship in reasons and not np.array_equal(relations[kinship], relations[kept]):
            tell(
                f"{reasons[kinship]}; so only {_KINSHIPS[kept]} are kept in one split, and figures tell of known "
                f"{_KINSHIPS[kinship]} alone (--hold-out-group tells of cameras that training has not seen)"
            )
            return


def _assign(
    listing: Listing, relation: npt.NDArray[np.int64], kinship: Kinship, to_cut: Sequence[Split], seed: int
) -> Listing:
    indices = np.array([index for index, sample in enumerate(listing.samples) if sample.split in {None, "train"}])
    chosen: dict[int, Split] = {}
    for split, members in zip(to_cut, _cut(listing, indices, relation[indices], kinship, to_cut, seed), strict=True):
        chosen |= dict.fromkeys(members.tolist(), split)
    return listing.with_samples(
        replace(sample, split=chosen.get(index, sample.split or "train"))
        for index, sample in enumerate(listing.samples)
    )


def _cut(
    listing: Listing,
    indices: npt.NDArray[np.int64],
    relation: npt.NDArray[np.int64],
    kinship: Kinship,
    to_cut: Sequence[Split],
    seed: int,
) -> list[npt.NDArray[np.int64]]:
    """Which of `indices` each of `to_cut` gets: folds of whole groups with about equal shares of each class."""
    labels = np.array([listing.samples[index].label for index in indices])
    groups_of = [len(np.unique(relation[labels == label])) for label in range(len(listing.labels))]
    fewest = int(np.argmin(groups_of))
    refusal = _TooFewGroups(
        f"{listing.root}: class {listing.labels[fewest]} has {(labels == fewest).sum()} pictures in "
        f"{groups_of[fewest]} {_KINSHIPS[kinship]}, too few to cut {' and '.join(to_cut)} from "
        f"(add pictures, or give {'/ and '.join(to_cut)}/ folders)"
    )
    if groups_of[fewest] <= len(to_cut):
        raise refusal
    folds = stratified_folds(labels, relation, min(_FOLDS, groups_of[fewest]), seed)
    # A fold that is one large group says little: those of most groups are taken.
    whole = [fold for fold in folds if len(np.unique(labels[fold])) == len(listing.labels)]
    whole.sort(key=lambda fold: len(np.unique(relation[fold])), reverse=True)
    taken = whole[: len(to_cut)]
    left = np.delete(labels, np.concatenate([[], *taken]).astype(np.int64))
    wanted = np.bincount(labels) * (0.0 if kinship == "file" else _MIN_TRAIN_SHARE)
    kept = np.bincount(left, minlength=len(wanted))
    if len(taken) < len(to_cut) or (kept < np.maximum(wanted, 1)).any():
        raise refusal
    return [indices[fold] for fold in taken]
