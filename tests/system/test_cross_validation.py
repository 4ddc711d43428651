"""`edge-resnet finetune --hold-out-group` and `--folds`: each part judged by a model that did not see it."""

import json
from pathlib import Path

import pytest

from edge_resnet.command import Exit
from tests.checkpoints import other_task
from tests.commands import edge_resnet
from tests.drawn import class_folders

SMALL = ("--input", "32x32", "--epochs", 0, "--device", "cpu")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return other_task(tmp_path_factory.mktemp("weights") / "other.safetensors")


def cameras(root: Path, *names: str) -> Path:
    """CLASS/CAMERA folders of 8 pictures each."""
    for number, name in enumerate(names):
        for label in ("fire", "normal"):
            source = class_folders(root / f"tmp-{name}", {label: 8}, first_seed=5000 * number)
            (root / label).mkdir(parents=True, exist_ok=True)
            (source / label).rename(root / label / name)
            source.rmdir()
    return root


def test_each_camera_is_held_out_once_and_a_killed_run_goes_on(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = cameras(tmp_path / "data", "door", "gate", "yard"), tmp_path / "run"
    options = (data, "--weights", weights, *SMALL, "--hold-out-group", "--out", out)
    outcome = edge_resnet(capsys, "finetune", *options, "--json")
    assert outcome.code == Exit.FINE, outcome.err
    answer = outcome.answer
    assert [fold["name"] for fold in answer["folds"]] == ["door", "gate", "yard"]
    assert all(fold["judged"] == 16 for fold in answer["folds"])
    assert answer["pooled"]["fine-tuned"]["n"] == 48
    assert json.loads((out / "crossval.json").read_text()) == answer
    assert "door" in (out / "crossval.html").read_text()
    (out / "folds" / "002" / "fold.json").unlink()
    again = edge_resnet(capsys, "finetune", *options, "--resume", "--json")
    assert "2 of 3: without gate" in again.err
    assert "1 of 3" not in again.err
    assert again.answer["pooled"] == answer["pooled"]


def test_parts_keep_together_what_is_related(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = cameras(tmp_path / "data", *"abcd"), tmp_path / "run"
    options = (data, "--weights", weights, *SMALL, "--folds", 2, "--out", out)
    outcome = edge_resnet(capsys, "finetune", *options)
    assert outcome.code == Exit.FINE, outcome.err
    assert "2 parts; what stays together: the same group" in outcome.err
    assert "all, linear probe" in outcome.out
    assert "On a part that it has not seen" in outcome.err


def test_without_cameras_it_says_how_to_tell_them(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = class_folders(tmp_path / "data", {"fire": 3, "normal": 3})
    options = (data, "--weights", weights, *SMALL, "--out", tmp_path / "run")
    assert "CLASS/CAMERA/" in edge_resnet(capsys, "finetune", *options, "--hold-out-group").mistake
    assert "fewer than 5 pictures" in edge_resnet(capsys, "finetune", *options, "--folds", 5, "--resume").mistake


def test_a_camera_that_has_all_pictures_of_a_class_is_named(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = cameras(tmp_path / "data", "door", "gate")
    for picture in (data / "fire" / "gate").iterdir():
        picture.unlink()
    options = (data, "--weights", weights, *SMALL, "--hold-out-group", "--out", tmp_path / "run")
    assert "camera door has all pictures of fire" in edge_resnet(capsys, "finetune", *options).mistake
