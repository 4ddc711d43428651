"""Folders become listings, and what is wrong with a folder is told in one line."""

from pathlib import Path

import pytest

from edge_resnet.data.listing import Skipped, read_table, refuse_if_too_many, scan, scan_labelled
from edge_resnet.errors import UserError
from tests.drawn import class_folders, splits


def test_class_folders_become_samples_in_sorted_order(tmp_path: Path) -> None:
    listing = scan(class_folders(tmp_path, {"smoke": 2, "fire": 3}))
    assert listing.labels == ("fire", "smoke")
    assert [sample.label for sample in listing.samples] == [0, 0, 0, 1, 1]
    assert {sample.split for sample in listing.samples} == {None}


def test_split_folders_keep_their_splits(tmp_path: Path) -> None:
    listing = scan(splits(tmp_path, 3, 2, 1))
    assert [listing.counts(name) for name in ("train", "val", "test")] == [
        {"fire": 3, "normal": 3},
        {"fire": 2, "normal": 2},
        {"fire": 1, "normal": 1},
    ]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: None, "no such folder"),
        (lambda root: root.mkdir(), "is empty"),
        (lambda root: class_folders(root, {"fire": 2}), "only one class"),
        (lambda root: class_folders(root, {"fire": 2, "normal": 0}), "no pictures in normal"),
        (lambda root: class_folders(root / "test", {"fire": 2, "normal": 2}), "no train/ folder"),
        (lambda root: class_folders(root.parent, {root.name: 3}), "has pictures but no class folders"),
    ],
)
def test_a_folder_that_cannot_be_trained_on_is_told_in_one_line(tmp_path: Path, make, message: str) -> None:
    root = tmp_path / "data"
    make(root)
    with pytest.raises(UserError, match=message) as caught:
        scan(root)
    assert str(root) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_class_missing_from_test_is_never_renumbered(tmp_path: Path) -> None:
    class_folders(tmp_path / "train", {"fire": 2, "normal": 2, "smoke": 2})
    class_folders(tmp_path / "test", {"fire": 2, "smoke": 2})
    with pytest.raises(UserError, match="no pictures of class normal"):
        scan(tmp_path)


def test_a_class_only_in_test_is_refused(tmp_path: Path) -> None:
    class_folders(tmp_path / "train", {"fire": 2, "normal": 2})
    class_folders(tmp_path / "test", {"fire": 2, "normal": 2, "smoke": 2})
    with pytest.raises(UserError, match="class smoke was not trained"):
        scan(tmp_path)


def test_one_class_is_enough_to_evaluate_on(tmp_path: Path) -> None:
    listing = scan_labelled(class_folders(tmp_path, {"smoke": 2}), ("fire", "smoke"))
    assert [sample.label for sample in listing.samples] == [1, 1]


def test_pictures_to_evaluate_have_the_model_s_indices(tmp_path: Path) -> None:
    class_folders(tmp_path, {"fire": 1, "normal": 1})
    listing = scan_labelled(tmp_path, ("normal", "fire"))
    assert [(sample.path.parent.name, sample.label) for sample in listing.samples] == [("fire", 1), ("normal", 0)]


def test_a_folder_with_splits_is_evaluated_on_test(tmp_path: Path) -> None:
    listing = scan_labelled(splits(tmp_path, 3, 2, 1), ("fire", "normal"))
    assert len(listing.samples) == 2
    with pytest.raises(UserError, match="class normal was not trained"):
        scan_labelled(tmp_path, ("fire", "smoke", "hail"))


def test_the_table_of_a_run_is_read_back(tmp_path: Path) -> None:
    listing = scan(splits(tmp_path, 2, 1, 1))
    (tmp_path / "split.csv").write_text(listing.table())
    assert read_table(tmp_path / "split.csv", listing.labels).samples == listing.samples
    listing.samples[0].path.unlink()
    with pytest.raises(UserError, match="not there any more"):
        read_table(tmp_path / "split.csv", listing.labels)


def test_odd_file_names_survive_the_table(tmp_path: Path) -> None:
    listing = scan(splits(tmp_path, 2, 1, 1))
    odd = tmp_path / "train" / "fire" / b'na\xefve, "quoted"\n.png'.decode(errors="surrogateescape")
    listing.samples[0].path.rename(odd)
    listing = scan(tmp_path)
    (tmp_path / "split.csv").write_text(listing.table(), errors="surrogateescape")
    assert odd in [sample.path for sample in read_table(tmp_path / "split.csv", listing.labels).samples]


def test_a_few_bad_pictures_are_skipped_and_many_are_refused(tmp_path: Path) -> None:
    few = [Skipped(tmp_path / "x.jpg", "empty file")] * 5
    refuse_if_too_many(few, 20, tmp_path)
    refuse_if_too_many(few * 2, 200, tmp_path)
    with pytest.raises(UserError, match=r"10 of 50 pictures cannot be used .10 empty file"):
        refuse_if_too_many(few * 2, 50, tmp_path)
    with pytest.raises(UserError, match="5 of 5"):
        refuse_if_too_many(few, 5, tmp_path)


def test_the_fingerprint_is_of_contents_not_of_places(tmp_path: Path) -> None:
    listing = scan(splits(tmp_path / "a", 2, 1, 1))
    moved = scan(splits(tmp_path / "b", 2, 1, 1))
    assert listing.fingerprint() == moved.fingerprint()
    assert listing.with_samples(listing.samples[1:]).fingerprint() != listing.fingerprint()
