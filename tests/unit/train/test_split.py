"""The cut of validation and test: seeded, stratified, look-alikes together."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_resnet.data.listing import Listing, Sample
from edge_resnet.data.related import leaking, related
from edge_resnet.errors import UserError
from edge_resnet.train import split


def listing(*counts: int, name: str | None = None) -> Listing:
    labels = tuple(f"class{index}" for index in range(len(counts)))
    places = [(label, n) for label, count in enumerate(counts) for n in range(count)]
    samples = [Sample(Path(f"{label}-{n}.png"), label, name, f"{label} {n}") for label, n in places]
    return Listing(Path("data"), labels, tuple(samples))


def hashes(count: int) -> list[int]:
    return [int(value) for value in np.random.default_rng(0).integers(0, 2**63, count, dtype=np.uint64)]


def quiet(line: str) -> None:
    raise AssertionError(f"nothing was to be told: {line}")


def test_every_class_gets_its_share_in_every_split() -> None:
    cut = split.complete(listing(100, 40), hashes(140), 0, quiet)
    count = Counter((sample.label, sample.split) for sample in cut.samples)
    assert count == {
        **{(0, "train"): 72, (0, "val"): 14, (0, "test"): 14},
        **{(1, "train"): 28, (1, "val"): 6, (1, "test"): 6},
    }


def test_the_same_seed_cuts_the_same_and_another_does_not() -> None:
    first, again, other = (split.complete(listing(50, 50), hashes(100), seed, quiet) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_given_test_split_is_left_alone_and_val_comes_from_train() -> None:
    given = listing(40, 40, name="train")
    test = [Sample(Path(f"test-{n}.png"), n % 2, "test") for n in range(10)]
    cut = split.complete(given.with_samples((*given.samples, *test)), hashes(90), 0, quiet)
    assert cut.of("test") == tuple(test)
    assert cut.counts("val") == {"class0": 6, "class1": 6}


def test_given_validation_is_left_alone() -> None:
    given = listing(40, 40, name="train")
    with_val = given.with_samples((*given.samples, Sample(Path("v"), 0, "val"), Sample(Path("w"), 1, "val")))
    assert split.complete(with_val, hashes(82), 0, quiet) == with_val


def test_look_alikes_never_part() -> None:
    # Bursts of five: hashes one bit apart.
    values = [value ^ (1 << bit) for value in hashes(20) for bit in range(5)]
    cut = split.complete(listing(50, 50), values, 0, quiet)
    for start in range(0, 100, 5):
        assert len({sample.split for sample in cut.samples[start : start + 5]}) == 1
    assert {sample.split for sample in cut.samples if sample.label == 1} == {"train", "val", "test"}


def test_pictures_of_a_fixed_camera_are_cut_one_by_one_and_that_is_told() -> None:
    told: list[str] = []
    still = [hashes(1)[0]] * 20
    cut = split.complete(listing(20, 20), still + hashes(21)[1:], 0, told.append)
    assert [cut.counts(name)["class0"] for name in ("train", "val", "test")] == [14, 3, 3]
    assert len(told) == 1
    assert "too good" in told[0]


def test_equal_files_never_part_even_then() -> None:
    listed = listing(20, 20)
    twice = listed.with_samples(replace(sample, content=f"file {n // 2}") for n, sample in enumerate(listed.samples))
    cut = split.complete(twice, [0] * 40, 0, lambda line: None)
    assert not leaking(cut, related(cut, [0] * 40, "file")).any()


def test_too_few_pictures_are_refused_with_what_to_do() -> None:
    with pytest.raises(UserError, match="class class1 has 2 pictures in 2 different files"):
        split.complete(listing(30, 2), hashes(32), 0, lambda line: None)


def test_clips_and_cameras_never_part() -> None:
    listed = listing(60, 60)
    with_origins = listed.with_samples(
        replace(sample, clip=f"clip{n // 3}", group=f"camera{n % 60 // 6}") for n, sample in enumerate(listed.samples)
    )
    cut = split.complete(with_origins, hashes(120), 0, quiet)
    for name in ("clip", "group"):
        splits_of = {getattr(sample, name): set() for sample in cut.samples}
        for sample in cut.samples:
            splits_of[getattr(sample, name)].add(sample.split)
        assert all(len(found) == 1 for found in splits_of.values())


def test_too_few_cameras_to_part_are_told_and_clips_kept() -> None:
    told: list[str] = []
    listed = listing(60, 60)
    with_origins = listed.with_samples(
        replace(sample, clip=f"clip{n // 3}", group=f"camera{n % 3}") for n, sample in enumerate(listed.samples)
    )
    cut = split.complete(with_origins, hashes(120), 0, told.append)
    assert not leaking(cut, related(cut, hashes(120), "look")).any()
    (line,) = told
    assert "in 1 cameras" in line or "in 3 cameras" in line
    assert "--hold-out-group" in line
