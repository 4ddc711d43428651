"""Unreadable and odd files, class names that look alike, classes with too few pictures."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from edge_resnet.audit.check import Finding
from tests.drawn import bad_pictures, class_folders, picture, splits
from tests.unit.audit.surveyed import found, survey


def by_kind(findings: Sequence[Finding]) -> dict[str, Finding]:
    return {finding.kind: finding for finding in findings}


def test_unreadable_files_are_named_with_their_reasons(tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"fire": 40, "normal": 40})
    reasons = bad_pictures(data / "fire")
    findings = found("unreadable", survey(data))
    assert {finding.files[0].name: finding.kind for finding in findings} == reasons
    assert all(finding.moves == finding.files and finding.severity == "warning" for finding in findings)
    assert "fire/empty.jpg: empty file" in [finding.told for finding in findings]


def test_unreadable_files_that_training_would_refuse_are_errors(tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"fire": 8, "normal": 8})
    bad_pictures(data / "fire")
    assert {finding.severity for finding in found("unreadable", survey(data))} == {"error"}


def test_files_that_training_does_not_see_are_told_by_kind(tmp_path: Path) -> None:
    data = splits(tmp_path / "data", 2, 2, 2)
    elsewhere = tmp_path / "elsewhere"
    class_folders(elsewhere, {"fire": 1})
    one = picture(1, (9, 9, 9))
    (data / "train" / "fire" / "clip.MP4").write_bytes(b"0")
    (data / "train" / "fire" / "phone.heic").write_bytes(b"0")
    (data / "train" / "fire" / ".DS_Store").write_bytes(b"0")
    (data / "train" / "fire" / "._fire-000.png").write_bytes(b"0")
    (data / "train" / "fire" / "Thumbs.db").write_bytes(b"0")
    (data / "train" / "fire" / "notes.txt").write_text("x")
    one.save(data / "train" / "fire" / ".hidden.png")
    one.save(data / "train" / "loose.png")
    (data / "valid" / "fire").mkdir(parents=True)
    one.save(data / "valid" / "fire" / "not-val.png")
    (data / "train" / "fire" / "more").symlink_to(elsewhere / "fire")
    (data / "groups.csv").write_text("file,group\n*,yard\n")
    findings = by_kind(found("odd_file", survey(data)))
    names = {kind: sorted(path.name for path in finding.files) for kind, finding in findings.items()}
    assert names == {
        "video": ["clip.MP4"],
        "other format": ["phone.heic"],
        "outside the classes": ["loose.png", "not-val.png"],
        "hidden": [".hidden.png"],
        "link": ["more"],
        "system": [".DS_Store", "._fire-000.png", "Thumbs.db"],
        "other": ["notes.txt"],
    }
    assert findings["video"].told == "1 .mp4 file: no pictures yet; cut frames from them"
    assert (findings["video"].severity, findings["system"].severity) == ("warning", "note")
    assert not findings["link"].moves
    assert findings["outside the classes"].moves == findings["outside the classes"].files


def test_a_linked_class_folder_is_read_and_so_not_odd(tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"fire": 2})
    class_folders(tmp_path / "elsewhere", {"normal": 2})
    (data / "normal").symlink_to(tmp_path / "elsewhere" / "normal")
    assert not found("odd_file", survey(data))


def test_class_names_that_a_person_takes_for_one_are_an_error(tmp_path: Path) -> None:
    composed = unicodedata.normalize("NFC", "café")
    names = ("no fire", "no_fire", composed, unicodedata.normalize("NFD", composed), "smoke", "smoke2")
    data = class_folders(tmp_path / "data", dict.fromkeys(names, 2))
    told = sorted(finding.told for finding in found("alike_labels", survey(data)))
    assert len(told) == 2
    assert "'no fire' and 'no_fire' are 2 classes to training" in told[1]


def test_imbalance_is_told_of_training_and_few_pictures_of_each_split(tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"fire": 1, "normal": 12})
    findings = by_kind(found("imbalance", survey(data)))
    assert findings["ratio"].facts == {"most": 12, "least": 1}
    assert "12 to 1" in findings["ratio"].told
    assert "1 class has under 10 pictures, too few to learn from (fire 1)" in findings["few in train"].told
    balanced = class_folders(tmp_path / "balanced", {"fire": 10, "normal": 12})
    assert not found("imbalance", survey(balanced))
    small = by_kind(found("imbalance", survey(splits(tmp_path / "small", 10, 10, 3))))
    assert set(small) == {"few in test"}
    assert "judge by (fire 3, normal 3)" in small["few in test"].told
