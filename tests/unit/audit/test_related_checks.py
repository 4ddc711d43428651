"""Duplicates, look-alikes, leaks and contradicting labels are found, told apart, and moved with care."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from edge_resnet.audit.check import NotRun
from tests.drawn import class_folders, picture, splits
from tests.unit.audit.surveyed import files_of, found, moves_of, survey


def smooth(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """A large picture, of which re-encoded copies have the same perceptual hash."""
    return picture(seed, (200, 60, 30), size)


def test_equal_files_of_a_class_are_duplicates_and_all_but_one_would_go(tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"fire": 4, "normal": 4})
    for name in ("again.png", "and-again.png"):
        shutil.copy(data / "fire" / "fire-001.png", data / "fire" / name)
    surveyed = survey(data)
    (finding,) = found("duplicate", surveyed)
    assert set(files_of(surveyed, finding)) == {"fire/again.png", "fire/and-again.png", "fire/fire-001.png"}
    assert moves_of(surveyed, finding) == {"fire/and-again.png", "fire/fire-001.png"}
    assert not found("two_labels", surveyed)


def test_of_equal_files_in_two_splits_the_training_copy_goes(tmp_path: Path) -> None:
    data = splits(tmp_path / "data", 3, 2, 2)
    shutil.copy(data / "test" / "fire" / "fire-001.png", data / "train" / "fire" / "a.png")
    surveyed = survey(data)
    (duplicate,) = found("duplicate", surveyed)
    (leak,) = found("leak", surveyed)
    assert moves_of(surveyed, duplicate) == moves_of(surveyed, leak) == {"train/fire/a.png"}
    assert (leak.severity, leak.kind) == ("error", "same file")
    assert files_of(surveyed, leak) == ["test/fire/fire-001.png", "train/fire/a.png"]
    assert leak.told == "a test picture is the same file as 1 of train"


def test_equal_files_in_two_classes_are_no_duplicates_and_all_go(tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"fire": 4, "normal": 4})
    shutil.copy(data / "fire" / "fire-001.png", data / "normal" / "calm.png")
    surveyed = survey(data)
    (finding,) = found("two_labels", surveyed)
    assert finding.told == "one picture in fire and in normal"
    assert moves_of(surveyed, finding) == {"fire/fire-001.png", "normal/calm.png"}
    assert not found("duplicate", surveyed)


def test_look_alikes_are_one_finding_and_the_largest_stays(tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"fire": 4, "normal": 4})
    original = smooth(77)
    original.save(data / "fire" / "original.png")
    original.save(data / "fire" / "encoded.jpg", quality=70)
    original.resize((160, 120)).save(data / "fire" / "aa-small.png")
    surveyed = survey(data)
    (finding,) = found("near_duplicate", surveyed)
    assert finding.kind == "copies"
    assert moves_of(surveyed, finding) == {"fire/aa-small.png", "fire/original.png"}


def test_look_alikes_of_two_classes_are_left_to_a_person(tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"fire": 4, "normal": 4})
    smooth(77).save(data / "fire" / "one.png")
    smooth(77).save(data / "normal" / "other.jpg", quality=70)
    (finding,) = found("near_duplicate", survey(data))
    assert finding.kind == "of several classes"
    assert "fire and normal" in finding.told
    assert not finding.moves


def test_a_fixed_camera_s_view_is_a_note_that_nothing_is_moved_for(tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"fire": 4, "normal": 4})
    for number in range(12):
        scene = smooth(77)
        scene.putpixel((number, 0), (0, 0, 0))
        scene.save(data / "normal" / f"view-{number}.png")
    (finding,) = found("near_duplicate", survey(data))
    assert (finding.severity, finding.kind) == ("note", "scene")
    assert "12 pictures of normal look alike: a fixed camera's view" in finding.told
    assert not finding.moves


def test_leaks_count_once_by_the_surest_way(tmp_path: Path) -> None:
    data = splits(tmp_path / "data", 3, 2, 2)
    shutil.copy(data / "train" / "fire" / "fire-000.png", data / "test" / "fire" / "same.png")
    smooth(77).save(data / "train" / "fire" / "look.png")
    smooth(77).save(data / "val" / "fire" / "look.jpg", quality=70)
    for seed, place in enumerate(("train", "test", "test")):
        picture(500 + seed, (1, 2, 3)).save(data / place / "normal" / f"hall7_{seed:03d}.png")
    surveyed = survey(data)
    told = {finding.kind: finding for finding in found("leak", surveyed)}
    assert set(told) == {"same file", "look-alike", "same clip"}
    assert {kind: finding.severity for kind, finding in told.items()} == {
        "same file": "error",
        "look-alike": "error",
        "same clip": "warning",
    }
    assert told["same clip"].facts == {"held_out": 2, "training": 1}
    assert moves_of(surveyed, told["look-alike"]) == {"train/fire/look.png"}


def test_a_camera_s_view_on_both_sides_is_a_warning(tmp_path: Path) -> None:
    data = splits(tmp_path / "data", 3, 2, 2)
    for number in range(12):
        scene = smooth(77)
        scene.putpixel((number, 0), (0, 0, 0))
        scene.save(data / ("train" if number < 8 else "test") / "normal" / f"view-{number}.png")
    (finding,) = found("leak", survey(data))
    assert (finding.severity, finding.kind, finding.moves) == ("warning", "scene", ())
    assert finding.told.startswith("4 held-out and 8 training pictures look alike")


def test_without_splits_leaks_cannot_be_told(tmp_path: Path) -> None:
    with pytest.raises(NotRun, match="no splits yet"):
        found("leak", survey(class_folders(tmp_path / "data", {"fire": 2, "normal": 2})))
    assert not found("leak", survey(splits(tmp_path / "clean", 3, 2, 2)))
