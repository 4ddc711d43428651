"""`edge-resnet search` on small drawn pictures: a study that goes on, its pictures, and a user's mistakes."""

from pathlib import Path

import pytest
from PIL import Image

from edge_resnet.command import Exit
from tests.commands import edge_resnet
from tests.drawn import splits

SMALL = ("--weights", "none", "--input", "32x32", "--epochs", 1, "--batch", 8, "--device", "cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return splits(tmp_path_factory.mktemp("data"), train=8, val=4, test=4)


def test_a_study_begins_with_the_recipe_and_goes_on(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "search"
    first = edge_resnet(capsys, "search", data, *SMALL, "--trials", 1, "--out", out, "--json")
    assert first.code == Exit.FINE, first.err
    (only,) = first.answer["trials"]
    assert first.answer["recipe"] == first.answer["best"] == only
    assert only["params"]["lr"] == pytest.approx(0.001 * 0.5**0.5)
    again = edge_resnet(capsys, "search", data, *SMALL, "--trials", 2, "--out", out, "--json")
    assert again.answer["trials"][0] == only
    assert len(again.answer["trials"]) == 2
    assert again.answer["trials"][1]["params"]["lr"] != only["params"]["lr"]
    assert again.answer["command"].startswith(f"edge-resnet finetune {data} --weights none --input 32x32")
    assert "trial 1: " in again.err
    assert "trial 0: " not in again.err
    for name in ("history.png", "curves.png", "slices.png"):
        assert Image.open(out / name).size[0] > 300


def test_a_finished_study_is_told_again_without_training(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = f"sqlite:///{tmp_path / 'shared.db'}"
    options = (data, *SMALL, "--trials", 1, "--storage", place, "--out")
    edge_resnet(capsys, "search", *options, tmp_path / "one")
    other = edge_resnet(capsys, "search", *options, tmp_path / "two")
    assert other.code == Exit.FINE
    assert "trial 0: " not in other.err
    assert "recipe" in other.out
    assert "next: edge-resnet finetune" in other.err
    elsewhere = splits(tmp_path / "elsewhere", train=9)
    mistake = edge_resnet(capsys, "search", elsewhere, *options[1:], tmp_path / "three").mistake
    assert "is one of other pictures or options" in mistake


def test_a_storage_that_cannot_be_opened_is_one_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.db").write_text("no database " * 100)
    for storage in ("nonsense", f"sqlite:///{tmp_path / 'text.db'}", "postgresql://localhost:1/x"):
        options = (data, *SMALL, "--trials", 1, "--storage", storage, "--out", tmp_path / "run")
        assert f"--storage {storage}: cannot be opened" in edge_resnet(capsys, "search", *options).mistake
