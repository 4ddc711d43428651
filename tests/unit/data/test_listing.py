"""Folders become listings, and what is wrong with a folder is told in one line."""

from pathlib import Path

import pytest

from edge_resnet.data.listing import Listing, Skipped, read_table, refuse_if_too_many, scan, scan_labelled
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


def origins(listing: Listing) -> set[tuple[str, str, str]]:
    """Class, group and clip of every sample."""
    return {(listing.labels[sample.label], sample.group, sample.clip) for sample in listing.samples}


def test_folders_below_a_class_are_cameras(tmp_path: Path) -> None:
    class_folders(tmp_path / "fire", {"yard": 2, "hall": 1})
    class_folders(tmp_path / "normal", {"yard": 2, "hall": 2}, first_seed=9000)
    listing = scan(tmp_path)
    assert listing.labels == ("fire", "normal")
    assert origins(listing) == {(label, group, "") for label in listing.labels for group in ("hall", "yard")}


def test_cameras_with_classes_in_them_are_understood_by_their_background(tmp_path: Path) -> None:
    class_folders(tmp_path / "hall", {"person": 2, "empty": 2})
    class_folders(tmp_path / "yard", {"person": 1, "empty": 3}, first_seed=9000)
    listing = scan(tmp_path)
    assert listing.labels == ("empty", "person")
    assert {group for _, group, _ in origins(listing)} == {"hall", "yard"}
    assert [sample.label for sample in listing.samples] == [0] * 5 + [1] * 3


def test_classes_need_not_be_before_every_camera(tmp_path: Path) -> None:
    class_folders(tmp_path / "hall", {"empty": 2})
    class_folders(tmp_path / "yard", {"person": 1, "empty": 3}, first_seed=9000)
    assert scan(tmp_path).labels == ("empty", "person")


def test_a_background_class_with_cameras_below_it_stays_a_class(tmp_path: Path) -> None:
    # Cameras in an empty hall, named so.
    class_folders(tmp_path / "fire", {"empty": 2, "hall": 1})
    class_folders(tmp_path / "normal", {"empty": 2, "hall": 2}, first_seed=9000)
    assert scan(tmp_path).labels == ("fire", "normal")


def test_cameras_work_in_splits_too(tmp_path: Path) -> None:
    for place, split in enumerate(("train", "test")):
        for camera in ("hall", "yard"):
            class_folders(tmp_path / split / camera, {"person": 2, "empty": 2}, first_seed=5000 * place)
    listing = scan(tmp_path)
    assert listing.labels == ("empty", "person")
    assert {sample.group for sample in listing.of("test")} == {"hall", "yard"}


def test_a_camera_that_all_pictures_share_is_none(tmp_path: Path) -> None:
    for label in ("fire", "normal"):
        class_folders(tmp_path / label, {"yard": 2})
    assert {group for _, group, _ in origins(scan(tmp_path))} == {""}


def test_clips_are_told_by_names(tmp_path: Path) -> None:
    class_folders(tmp_path, {"fire": 2, "normal": 3})
    for number, name in enumerate(("cam1_0001", "cam1_0002", "cam2_0001")):
        (tmp_path / "normal" / f"normal-00{number}.png").rename(tmp_path / "normal" / f"{name}.png")
    assert [sample.clip for sample in scan(tmp_path).samples] == ["", "", "cam1", "cam1", "cam2"]


def test_a_table_of_groups_goes_before_folders(tmp_path: Path) -> None:
    class_folders(tmp_path / "fire", {"yard": 2, "hall": 1})
    class_folders(tmp_path, {"normal": 2}, first_seed=9000)
    (tmp_path / "groups.csv").write_text("file,group\nfire/yard/*,gate\nnormal/*,gate\n*/hall/*,roof\n")
    assert [sample.group for sample in scan(tmp_path).samples] == ["roof", "gate", "gate", "gate", "gate"]


def test_a_table_of_groups_names_files_below_the_splits(tmp_path: Path) -> None:
    root = splits(tmp_path, 2, 1, 1)
    (root / "groups.csv").write_text("file,group\ntrain/*,gate\nval/*,roof\ntest/fire/*,yard\n")
    listing = scan(root)
    assert {sample.group for sample in listing.of("train")} == {"gate"}
    assert {sample.group for sample in listing.of("test")} == {"yard", ""}
    # To judge on test alone, the rows for train are no mistake.
    judged = scan_labelled(root, listing.labels)
    assert {sample.group for sample in judged.samples} == {"yard", ""}


@pytest.mark.parametrize("root", ["", "hall"])
def test_classes_that_differ_only_by_case_are_refused(tmp_path: Path, root: str) -> None:
    class_folders(tmp_path / root, {"Fire": 1, "normal": 1})
    class_folders(tmp_path / ("yard" if root else ""), {"fire": 1, "normal": 1})
    with pytest.raises(UserError, match="classes Fire and fire differ only by case") as caught:
        scan(tmp_path)
    assert "\n" not in str(caught.value)


def test_hidden_folders_and_files_are_not_looked_at(tmp_path: Path) -> None:
    class_folders(tmp_path, {"fire": 2, "normal": 2, ".cache": 3})
    class_folders(tmp_path / "fire" / ".thumbnails", {"small": 3}, first_seed=9000)
    (tmp_path / "fire" / "fire-000.png").rename(tmp_path / "fire" / "._fire-000.png")
    listing = scan(tmp_path)
    assert listing.labels == ("fire", "normal")
    assert [sample.path.name for sample in listing.samples] == ["fire-001.png", "normal-000.png", "normal-001.png"]
