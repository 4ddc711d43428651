"""Which pictures belong together by file, look, clip and camera, and which of them leak."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_resnet.data.listing import Listing, Sample, Split
from edge_resnet.data.related import Kinship, leaking, related

# Far apart, but for the first two: three bits.
HASHES = [0, 0b111, 0xFFFF << 16, 0xFFFF << 32, 0xFFFF << 48, 0xFFFFFFFF]


def listing(*samples: Sample) -> Listing:
    return Listing(Path("data"), ("fire", "normal"), samples)


def sample(content: str, split: Split | None = None, group: str = "", clip: str = "") -> Sample:
    return Sample(Path(f"{content}.png"), 0, split, content, group, clip)


SAMPLES = listing(
    sample("a", "train"),
    sample("b", "test"),  # looks as the first does
    sample("c", "train", "yard", "cam1"),
    sample("d", "val", "yard", "cam1"),  # of the third's clip
    sample("e", "test", "yard", "cam2"),  # of the third's camera
    sample("c", "test", "hall", "cam1"),  # the third's file; another camera's clip of the same name
)


def linked(kinship: Kinship) -> set[tuple[int, int]]:
    relation = related(SAMPLES, HASHES, kinship)
    return {(a, b) for a in range(6) for b in range(a) if relation[a] == relation[b]}


@pytest.mark.parametrize(
    ("kinship", "added"),
    [("file", {(5, 2)}), ("look", {(1, 0)}), ("clip", {(3, 2), (5, 3)}), ("group", {(4, 2), (4, 3), (5, 4)})],
)
def test_each_kinship_adds_its_own_to_those_before(kinship: Kinship, added: set[tuple[int, int]]) -> None:
    order: list[Kinship] = ["file", "look", "clip", "group"]
    place = order.index(kinship)
    before = linked(order[place - 1]) if place else set()
    assert linked(kinship) == before | added
    assert not before & added


def test_no_clip_and_no_group_relate_nothing() -> None:
    alone = listing(sample("a"), sample("b"), sample("c"))
    assert len(set(related(alone, HASHES[2:5], "group"))) == 3


def test_clips_of_one_name_from_two_cameras_are_two() -> None:
    two = listing(sample("a", group="yard", clip="1"), sample("b", group="hall", clip="1"))
    assert len(set(related(two, HASHES[2:4], "clip"))) == 2


@pytest.mark.parametrize(
    ("kinship", "leaks"), [("file", [5]), ("look", [1, 5]), ("clip", [1, 3, 5]), ("group", [1, 3, 4, 5])]
)
def test_what_is_judged_on_and_related_to_train_leaks(kinship: Kinship, leaks: list[int]) -> None:
    relation = related(SAMPLES, HASHES, kinship)
    assert np.flatnonzero(leaking(SAMPLES, relation)).tolist() == leaks


def test_relatives_in_one_split_or_outside_train_do_not_leak() -> None:
    same = listing(sample("a", "train"), sample("a", "train"), sample("b", "val"), sample("b", "test"))
    assert not leaking(same, related(same, HASHES[2:], "file")).any()
