"""Pictures decoded once: frames, traits and samples stay in one order, and what cannot be read is left out."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from edge_resnet.data import store
from edge_resnet.data.listing import scan
from edge_resnet.errors import UserError
from edge_resnet.pictures import read_picture
from edge_resnet.preprocess import Preprocess
from tests.drawn import bad_pictures, class_folders

SIZE = Preprocess(35, 42)


def quiet(done: int, total: int) -> None:
    """Progress that nobody looks at."""


def test_frames_traits_and_samples_are_in_the_listing_s_order(tmp_path: Path) -> None:
    listing = scan(class_folders(tmp_path / "data", {"fire": 9, "normal": 8}))
    stored = store.read(listing, SIZE, tmp_path / "cache", quiet)
    assert [sample.path for sample in stored.listing.samples] == [sample.path for sample in listing.samples]
    assert stored.evaluation.shape == (17, 35, 42, 3)
    assert stored.training.shape == (17, 40, 48, 3)
    for sample, frame, traits in zip(stored.listing.samples, stored.evaluation, stored.traits, strict=True):
        assert np.array_equal(frame, SIZE(read_picture(sample.path)))
        assert sample.content == traits.content == hashlib.sha256(sample.path.read_bytes()).hexdigest()
    assert stored.hashes == [traits.perceptual for traits in stored.traits]
    assert len(set(stored.hashes)) == 17


def test_bad_pictures_leave_no_gap(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", {"fire": 50, "normal": 50})
    reasons = bad_pictures(root / "fire")
    listing = scan(root)
    assert len(listing.samples) == 107
    stored = store.read(listing, SIZE, tmp_path / "cache", quiet)
    assert {item.path.name: item.reason for item in stored.skipped} == reasons
    assert len(stored.listing.samples) == len(stored.evaluation) == len(stored.training) == len(stored.traits) == 100
    assert np.array_equal(stored.evaluation[-1], SIZE(read_picture(listing.samples[-1].path)))


def test_too_many_bad_pictures_are_refused(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", {"fire": 5, "normal": 5})
    bad_pictures(root / "fire")
    with pytest.raises(UserError, match="7 of 17 pictures cannot be used"):
        store.read(scan(root), SIZE, tmp_path / "cache", quiet)


def test_progress_counts_every_picture(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    listing = scan(class_folders(tmp_path / "data", {"fire": 3, "normal": 2}))
    store.read(listing, SIZE, tmp_path / "cache", lambda done, total: seen.append((done, total)))
    assert seen == [(number, 5) for number in range(1, 6)]


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = scan(class_folders(tmp_path / "data", {"fire": 3, "normal": 2}))

    def full(*_arguments: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        store.read(listing, SIZE, tmp_path / "cache", quiet)
    assert list((tmp_path / "cache").iterdir()) == []
