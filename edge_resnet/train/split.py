"""Cutting validation and test from the training pictures: seeded, stratified, near-duplicates together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edge_resnet import duplicates
from edge_resnet.errors import UserError
from edge_resnet.train.data import Listing, Sample, Split

# The share of all pictures that each missing split gets.
SHARES: dict[Split, float] = {"val": 0.15, "test": 0.15}


class _TooFewGroups(UserError):
    """A class has fewer groups of look-alikes than splits."""


def complete(listing: Listing, hashes: list[int], seed: int, tell: Callable[[str], None]) -> Listing:
    """Assign a split to every sample; what the folders say stays, a missing val (or test) is cut from train.

    A test folder that is there is never touched; test is cut only where neither val/ nor test/ was given. Samples whose
    perceptual `hashes` are near land in the same split. Where a fixed camera makes nearly all pictures of a class look
    alike, only equal files stay together, and `tell` is told so. Raises UserError when a class has too few.
    """
    given = {sample.split for sample in listing.samples}
    if "val" in given:
        return listing
    to_cut: list[Split] = ["val"] if "test" in given else ["val", "test"]
    try:
        return _assign(listing, duplicates.groups(hashes, duplicates.NEAR_BITS), to_cut, seed)
    except _TooFewGroups as error:
        tell(
            f"{error}; so they are cut one by one, as a fixed camera's must be, and figures on them will be too good: "
            "record a test folder on another day"
        )
    contents = [sample.content for sample in listing.samples]
    _, same_file = np.unique(contents, return_inverse=True)
    return _assign(listing, same_file, to_cut, seed)


def _assign(listing: Listing, groups: npt.NDArray[np.int64], to_cut: Sequence[Split], seed: int) -> Listing:
    open_indices = [index for index, sample in enumerate(listing.samples) if sample.split in {None, "train"}]
    chosen = _cut(listing, open_indices, groups, to_cut, seed)
    return listing.with_samples(
        replace(sample, split=chosen.get(index, sample.split or "train"))
        for index, sample in enumerate(listing.samples)
    )


def _cut(
    listing: Listing, indices: Sequence[int], groups: npt.NDArray[np.int64], splits: Sequence[Split], seed: int
) -> dict[int, Split]:
    """Choose whole groups, class by class, until each split has its share of the class."""
    generator = np.random.default_rng(seed)
    members = defaultdict(list)
    for index in indices:
        members[int(groups[index])].append(index)
    chosen: dict[int, Split] = {}
    for label, name in enumerate(listing.labels):
        own = [group for group in members.values() if _main_label(group, listing.samples) == label]
        total = sum(len(group) for group in own)
        order = [own[position] for position in generator.permutation(len(own))]
        for split in splits:
            target = max(1, round(SHARES[split] * total))
            taken = 0
            # Groups larger than what is still wanted are passed over while smaller ones are left.
            for group in sorted(order, key=lambda group: len(group) > target):
                if taken >= target:
                    break
                chosen.update(dict.fromkeys(group, split))
                taken += len(group)
                order.remove(group)
        if splits and not order:
            raise _TooFewGroups(
                f"{listing.root}: class {name} has {total} pictures in {len(own)} groups of look-alikes, too few to "
                f"cut {' and '.join(splits)} from (add pictures, or give {'/ and '.join(splits)}/ folders)"
            )
    return chosen


def _main_label(group: Sequence[int], samples: Sequence[Sample]) -> int:
    """The class that most of a group's pictures have (the smaller index in a tie)."""
    labels = [samples[index].label for index in group]
    return max(sorted(set(labels)), key=labels.count)
