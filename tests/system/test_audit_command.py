"""`edge-resnet audit` on small drawn pictures: its table, its files, --fix and --undo, and a user's mistakes."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import resnet50

from edge_resnet.command import Exit
from tests.commands import edge_resnet
from tests.drawn import bad_pictures, class_folders, picture, splits

SMALL = ("--input", "32x40", "--device", "cpu")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Splits that are fine, below a working folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    return splits(tmp_path / "yard", 12, 10, 10)


def leak(data: Path) -> Path:
    """Copy a test picture into training."""
    copy = data / "train" / "fire" / "copied.png"
    shutil.copy(data / "test" / "fire" / "fire-000.png", copy)
    return copy


def test_a_set_that_is_fine_passes_and_leaves_two_files(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = edge_resnet(capsys, "audit", data, *SMALL)
    assert outcome.code == Exit.FINE, outcome.err
    assert "audit: 0 errors, 0 warnings, 0 notes" in outcome.out
    assert "name --weights" in " ".join(outcome.out.split())
    assert {path.name for path in Path("audit/yard").iterdir()} == {"audit.json", "audit.html"}
    assert "page: audit/yard/audit.html" in outcome.err


def test_errors_are_the_verdict_no_and_json_is_the_file(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    leak(data)
    bad_pictures(data / "train" / "normal")
    outcome = edge_resnet(capsys, "audit", data, *SMALL, "--out", "told", "--json")
    assert outcome.code == Exit.VERDICT_NO, outcome.err
    assert outcome.answer == json.loads(Path("told/audit.json").read_text())
    assert (outcome.answer["errors"], outcome.answer["warnings"]) == (1, 8)
    assert outcome.answer["unreadable"] == 7
    assert outcome.answer["moved"] == []


def test_weights_let_labels_be_judged(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    save_file(resnet50(num_classes=3).state_dict(), tmp_path / "other.safetensors")
    outcome = edge_resnet(capsys, "audit", data, *SMALL, "--weights", tmp_path / "other.safetensors", "--json")
    assert outcome.code == Exit.FINE, outcome.err
    (label,) = (check for check in outcome.answer["checks"] if check["check"] == "label")
    # An untrained network tells the drawn colours apart, or not: both are answers of the check itself.
    assert label["not_run"] is None or "a probe on these weights is right on" in label["not_run"]


def test_fix_moves_to_quarantine_and_undo_brings_back(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = leak(data)
    bad_pictures(data / "train" / "normal")
    before = sorted(data.rglob("*"))
    outcome = edge_resnet(capsys, "audit", data, *SMALL, "--fix", "leak", "--fix", "unreadable", "--json")
    assert outcome.code == Exit.FINE, outcome.err
    assert len(outcome.answer["moved"]) == 8
    assert f"8 files moved to {data}-quarantine; to undo: edge-resnet audit {data} --undo" in outcome.err
    assert Path(f"{data}-quarantine/train/fire/copied.png").is_file()
    assert not copy.exists()
    assert (data / "test" / "fire" / "fire-000.png").is_file()
    undone = edge_resnet(capsys, "audit", data, "--undo")
    assert undone.code == Exit.FINE, undone.err
    assert "8 files moved back" in undone.out
    assert sorted(data.rglob("*")) == before
    assert not Path(f"{data}-quarantine").exists()


def test_what_fix_was_not_asked_for_stays(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = leak(data)
    outcome = edge_resnet(capsys, "audit", data, *SMALL, "--fix", "dark", "--quarantine", "aside")
    assert outcome.code == Exit.VERDICT_NO, outcome.err
    assert "0 files moved" in outcome.err
    assert copy.exists()
    assert not Path("aside").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--fix", "everything"), "--fix everything: takes one of leak"),
        (("--undo",), "nothing to undo"),
        (("--undo", "--fix", "dark"), "choose one of them"),
        (("--weights", "none"), "--weights none"),
        (("--weights", "gone.pth"), "gone.pth: no such weights file"),
        (("--input", "9"), "--input 9"),
        (("--device", "tpu"), "--device tpu"),
        (("--out", "yard/audit"), "--out yard/audit: inside the data"),
        (("--out", "file"), "--out file: is a file"),
        (("--fix", "leak", "--quarantine", "yard/aside"), "--quarantine yard/aside: inside the data"),
    ],
)
def test_a_mistake_is_one_line(
    data: Path, options: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    leak(data)
    Path("file").write_text("")
    assert told in edge_resnet(capsys, "audit", "yard", *SMALL, *options).mistake


def test_a_folder_that_is_no_data_is_one_line(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no such folder" in edge_resnet(capsys, "audit", "nowhere").mistake
    assert "no such folder" in edge_resnet(capsys, "audit", "nowhere", "--undo").mistake
    class_folders(data.with_name("one"), {"fire": 3})
    assert "only one class" in edge_resnet(capsys, "audit", "one").mistake
    assert not Path("audit").exists()


def test_a_set_of_two_unreadable_or_two_pictures_is_judged(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two = class_folders(data.with_name("two"), {"fire": 1, "normal": 1})
    assert edge_resnet(capsys, "audit", two, *SMALL).code == Exit.FINE
    for label in ("fire", "normal"):
        (data.with_name("none") / label).mkdir(parents=True)
        (data.with_name("none") / label / "broken.jpg").write_bytes(b"")
    outcome = edge_resnet(capsys, "audit", "none", *SMALL, "--json")
    assert outcome.code == Exit.VERDICT_NO, outcome.err
    assert outcome.answer["pictures"] == 0
    assert not [check for check in outcome.answer["checks"] if "broke" in (check["not_run"] or "")]


def test_class_names_that_differ_by_a_space_are_told(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twins = class_folders(data.with_name("twins"), {"fire": 2, "fire ": 2})
    picture(3, (0, 0, 200)).save(twins / "fire" / "more.png")
    outcome = edge_resnet(capsys, "audit", twins, *SMALL)
    assert outcome.code == Exit.VERDICT_NO
    assert "'fire' and 'fire ' are 2 classes" in " ".join(outcome.out.split())
