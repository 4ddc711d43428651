"""Perceptual hashes, and the groups that hashes and names chain together."""

from __future__ import annotations

import numpy as np

from edge_resnet import duplicates
from edge_resnet.duplicates import NEAR_BITS, groups, perceptual_hash
from edge_resnet.preprocess import Frame
from tests.drawn import picture

FAR = [0xFFFF, 0xFFFF << 16, 0xFFFF << 32, 0xFFFF << 48]


def bits(count: int) -> int:
    return (1 << count) - 1


def frame(seed: int) -> Frame:
    return np.ascontiguousarray(np.asarray(picture(seed, (200, 30, 30), (64, 64)))[:, :, ::-1])


def test_hashes_near_each_other_share_a_group() -> None:
    assert groups([0, bits(NEAR_BITS), FAR[3]]).tolist() == [0, 0, 1]
    assert len(set(groups([0, bits(NEAR_BITS + 1), FAR[3]]))) == 3


def test_groups_chain_through_others() -> None:
    assert len(set(groups([0, bits(NEAR_BITS), bits(2 * NEAR_BITS)]))) == 1
    assert len(set(groups([0, bits(2 * NEAR_BITS)]))) == 2


def test_names_link_and_the_empty_one_does_not() -> None:
    assert groups(FAR, names=[["a", "", "a", ""]]).tolist() == [0, 1, 0, 2]


def test_names_of_several_lists_chain() -> None:
    assert len(set(groups(FAR, names=[["a", "a", "b", "c"], ["", "x", "x", ""]]))) == 2
    # The same word in two lists means two things.
    assert len(set(groups(FAR[:2], names=[["a", ""], ["", "a"]]))) == 2


def test_hashes_and_names_chain() -> None:
    assert len(set(groups([0, 1, FAR[3]], names=[["", "a", "a"]]))) == 1


def test_without_near_bits_only_names_count() -> None:
    assert len(set(groups([5, 5, 5], None))) == 3
    assert groups([5, 5, 5], None, [["a", "", "a"]]).tolist() == [0, 1, 0]


def test_nothing_to_group() -> None:
    assert groups([]).shape == (0,)
    assert groups([], None, [[]]).shape == (0,)


def test_pairs_are_found_across_blocks(monkeypatch) -> None:
    hashes = [int(value) for value in np.random.default_rng(0).integers(0, 2**63, 50, dtype=np.uint64)]
    hashes[47], hashes[41] = hashes[3] ^ 1, hashes[30] ^ 1
    monkeypatch.setattr(duplicates, "_BLOCK", 8)
    found = groups(hashes)
    assert (found[3], found[30]) == (found[47], found[41])
    assert len(set(found)) == 48


def test_a_picture_a_little_changed_keeps_its_hash_and_another_does_not() -> None:
    brighter = np.clip(frame(1).astype(np.int16) + 12, 0, 255).astype(np.uint8)
    assert (perceptual_hash(frame(1)) ^ perceptual_hash(brighter)).bit_count() <= NEAR_BITS
    distances = [(perceptual_hash(frame(1)) ^ perceptual_hash(frame(seed))).bit_count() for seed in range(2, 8)]
    assert min(distances) > 2 * NEAR_BITS
