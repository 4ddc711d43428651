"""Suspected wrong labels: planted ones are found and ranked, guesses are not told, small sets break nothing."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from edge_resnet.audit.check import NotRun
from edge_resnet.audit.out_of_fold import out_of_fold
from edge_resnet.data.survey import Survey
from tests.drawn import class_folders
from tests.unit.audit.surveyed import files_of, found, survey

FEATURES = 8


def with_features(data: Path, apart: float = 6.0, truly: Mapping[str, int] | None = None) -> Survey:
    """Features that lie around a corner for each class, `apart` deviations from the others; `truly`: of another one."""
    surveyed = survey(data)
    random = np.random.default_rng(0)
    labels = [(truly or {}).get(sample.path.name, sample.label) for sample in surveyed.listing.samples]
    corners = apart * np.eye(FEATURES)[labels]
    features = (corners + random.normal(size=(len(labels), FEATURES))).astype(np.float32)
    return Survey(surveyed.listing, surveyed.store, features)


def test_planted_wrong_labels_are_named_first_with_the_likely_class(tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"fire": 60, "normal": 60})
    wrong = {"fire-003.png": 1, "normal-007.png": 0}
    surveyed = with_features(data, truly=wrong)
    findings = sorted(found("label", surveyed), key=lambda finding: -finding.score)
    named = [Path(files_of(surveyed, finding)[0]).name for finding in findings]
    assert set(named[:2]) == set(wrong)
    assert len(named) <= 4
    facts = {Path(files_of(surveyed, finding)[0]).name: finding.facts for finding in findings}
    assert (facts["fire-003.png"]["given"], facts["fire-003.png"]["suggested"]) == ("fire", "normal")
    assert float(facts["fire-003.png"]["probability_given"]) < 0.1
    assert findings[0].moves == (surveyed.listing.samples[findings[0].pictures[0]].path,)


def test_at_most_a_tenth_of_the_pictures_is_named(tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"fire": 60, "normal": 60})
    wrong = {f"{name}-{number:03d}.png": truth for name, truth in (("fire", 1), ("normal", 0)) for number in range(12)}
    assert len(found("label", with_features(data, truly=wrong))) == 12


def test_right_labels_of_classes_far_apart_are_not_doubted(tmp_path: Path) -> None:
    assert not found("label", with_features(class_folders(tmp_path / "data", {"fire": 20, "normal": 20})))


def test_suspicions_of_a_probe_that_knows_nothing_are_not_told(tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"fire": 30, "normal": 30})
    with pytest.raises(NotRun, match="suspicions would be guesses"):
        found("label", with_features(data, apart=0.0))


def test_copies_of_a_picture_are_judged_in_one_fold(tmp_path: Path) -> None:
    """With a copy in training, a wrong label would be learned by heart, and believed."""
    data = class_folders(tmp_path / "data", {"fire": 20, "normal": 20})
    for number in range(4):
        shutil.copy(data / "fire" / "fire-000.png", data / "fire" / f"copy-{number}.png")
    truly = {"fire-000.png": 1} | {f"copy-{number}.png": 1 for number in range(4)}
    surveyed = with_features(data, truly=truly)
    judged = out_of_fold(surveyed)
    copies = [index for index, sample in enumerate(surveyed.listing.samples) if sample.path.name in truly]
    assert (judged.probabilities[copies, 0] < 0.2).all()


def test_a_class_of_few_pictures_is_left_out_and_told(tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"fire": 12, "normal": 12, "smoke": 1})
    (finding,) = found("label", with_features(data))
    assert (finding.severity, finding.kind, finding.pictures) == ("note", "not judged", ())
    assert finding.told == "labels of smoke were not judged: fewer than 5 different pictures"


@pytest.mark.parametrize("counts", [{"fire": 1, "normal": 1}, {"fire": 12, "normal": 4}])
def test_too_few_pictures_are_no_crash(tmp_path: Path, counts: dict[str, int]) -> None:
    with pytest.raises(NotRun, match="fewer than two classes"):
        found("label", with_features(class_folders(tmp_path / "data", counts)))


def test_without_features_the_reason_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(NotRun, match="--weights"):
        found("label", survey(class_folders(tmp_path / "data", {"fire": 6, "normal": 6})))


def test_a_fixed_camera_has_too_few_looks_and_is_judged_file_by_file(tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"fire": 10, "normal": 10})
    for picture in (data / "normal").iterdir():
        shutil.copyfile(data / "normal" / "normal-000.png", picture) if picture.stem != "normal-000" else None
        # The same look in different files: what follows the end of a PNG is not part of the picture.
        picture.write_bytes(picture.read_bytes() + picture.name.encode())
    judged = out_of_fold(with_features(data))
    assert len(judged.pictures) == 20
    assert judged.classes == (0, 1)
