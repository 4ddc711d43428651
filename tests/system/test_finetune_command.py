"""`edge-resnet finetune` on small drawn pictures: a whole run, its folder, resuming, and a user's mistakes."""

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file, save_file
from torchvision.models import resnet50

from edge_resnet.command import Exit
from edge_resnet.model import load
from edge_resnet.train import loop
from edge_resnet.train.loop import train_step
from tests.commands import edge_resnet
from tests.drawn import bad_pictures, class_folders, splits

SMALL = ("--input", "32x40", "--batch", 4, "--device", "cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return splits(tmp_path_factory.mktemp("data"), train=8, val=4, test=4)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ResNet-50 of another task in half precision, as a checkpoint that a user may have."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "other.safetensors"
    network = resnet50(num_classes=11)
    # As in a trained network, batch normalisation must know what it normalises.
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        network.train()(torch.randn(8, 3, 64, 64))
    state = network.state_dict()
    save_file({name: t.half() if t.is_floating_point() else t for name, t in state.items()}, path)
    return path


def test_a_run_leaves_a_complete_folder(
    data: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    outcome = edge_resnet(
        capsys, "finetune", data, "--weights", weights, *SMALL, "--epochs", 2, "--lr", 1e-4, "--out", out, "--json"
    )
    assert outcome.code == Exit.FINE, outcome.err
    assert [stage["stage"] for stage in outcome.answer["stages"]] == ["blind guess", "linear probe", "fine-tuned"]
    assert all(stage["n"] == 8 for stage in outcome.answer["stages"])
    assert json.loads((out / "report.json").read_text()) == outcome.answer
    assert outcome.answer["background"] == ["normal"]
    rows = list(csv.DictReader((out / "metrics.csv").open()))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert yaml.safe_load((out / "args.yaml").read_text())["chosen"]["lr"] == 1e-4
    assert Image.open(out / "confusion.png").size[0] > 200
    assert list((out / "tensorboard").glob("events.*"))
    _, spec = load(out / "model.safetensors")
    assert spec.labels == ("fire", "normal")
    assert (spec.input.height, spec.input.width) == (32, 40)
    assert spec.temperature == outcome.answer["temperature"] > 0
    assert set(spec.alarms) == {"fire"}
    assert not (out / "cache").exists()


def test_a_rate_that_makes_training_diverge_is_named(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = (data, "--weights", "none", *SMALL, "--epochs", 2, "--lr", 1e30, "--out", tmp_path / "run")
    assert "training diverged in epoch 1" in edge_resnet(capsys, "finetune", *options).mistake


def test_the_closing_table_is_for_people(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    outcome = edge_resnet(capsys, "finetune", data, "--weights", "none", *SMALL, "--epochs", 1, "--out", out)
    assert outcome.code == Exit.FINE, outcome.err
    assert "trained from nothing" in outcome.out
    assert "linear probe" not in outcome.out
    assert f"edge-resnet export --fp16 {out}" in outcome.err
    assert "batch-norm statistics trained" in outcome.err


def weights_of(run: Path) -> dict[str, torch.Tensor]:
    return load_file(next((run / "state").glob("state-*.safetensors")))


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_an_interrupted_run_goes_on_to_the_same_weights(
    optimizer: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = (data, "--weights", "none", *SMALL, "--epochs", 3, "--seed", 5, "--optimizer", optimizer)
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    assert edge_resnet(capsys, "finetune", *options, "--out", straight).code == Exit.FINE
    steps = 0

    def step_with_ctrl_c(*arguments: object) -> float:
        nonlocal steps
        steps += 1
        if steps == 6:  # in the middle of the second epoch of four steps
            raise KeyboardInterrupt
        return train_step(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(loop, "train_step", step_with_ctrl_c)
        interrupted = edge_resnet(capsys, "finetune", *options, "--out", broken)
    assert interrupted.code == Exit.INTERRUPTED, interrupted.err
    assert f"--resume --out {broken}" in interrupted.err
    assert not (broken / "report.json").exists()

    resumed = edge_resnet(capsys, "finetune", "--resume", "--out", broken, "--json")
    assert resumed.code == Exit.FINE, resumed.err
    assert resumed.answer["epochs"] == 3
    first, second = weights_of(straight), weights_of(broken)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_ctrl_c_ends_the_program_with_130_and_no_traceback(data: Path, tmp_path: Path) -> None:
    options = (data, "--weights", "none", *SMALL, "--epochs", 1000, "--out", tmp_path / "run")
    # A shell in the background, as in some CI, has its children ignore SIGINT: they must listen to it again.
    listen = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{listen}; from edge_resnet.cli import main; main()"
    command = [sys.executable, "-c", program, "finetune", *map(str, options)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if line.startswith("epoch 1: "):
                process.send_signal(signal.SIGINT)
        assert process.wait() == Exit.INTERRUPTED, lines
    assert not any("Traceback" in line for line in lines)


def test_a_finished_run_has_nothing_to_go_on_with(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    options = (data, "--weights", "none", *SMALL, "--epochs", 0, "--out", out)
    edge_resnet(capsys, "finetune", *options)
    again = edge_resnet(capsys, "finetune", "--resume", "--out", out, "--json")
    assert again.code == Exit.FINE
    assert "nothing is left to do" in again.err
    assert again.answer["epochs"] == 0
    assert "is not empty" in edge_resnet(capsys, "finetune", *options).mistake
    other = edge_resnet(capsys, "finetune", data, "--resume", "--out", out, "--lr", 0.5)
    assert "--lr 0.5" in other.mistake


def test_pictures_that_changed_stop_a_resumed_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = splits(tmp_path / "data")
    out = tmp_path / "run"
    edge_resnet(capsys, "finetune", folder, "--weights", "none", *SMALL, "--epochs", 0, "--out", out)
    (out / "report.json").unlink()
    next((folder / "train" / "fire").iterdir()).unlink()
    outcome = edge_resnet(capsys, "finetune", "--resume", "--out", out)
    assert "the pictures changed since" in outcome.mistake


def test_bad_pictures_are_skipped_counted_and_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = splits(tmp_path / "data", train=30, val=15, test=15)
    reasons = bad_pictures(folder / "train" / "fire")
    odd = (folder / "train" / "normal").joinpath(b"caf\xe9.png".decode(errors="surrogateescape"))
    next((folder / "train" / "normal").iterdir()).rename(odd)
    outcome = edge_resnet(
        capsys, "finetune", folder, "--weights", "none", *SMALL, "--epochs", 0, "--out", tmp_path / "run", "--json"
    )
    assert outcome.code == Exit.FINE, outcome.err
    found = {Path(item["path"]).name: item["reason"] for item in outcome.answer["skipped"]}
    assert found == reasons
    assert outcome.answer["pictures"]["train"] == {"fire": 30, "normal": 30}
    for name, reason in reasons.items():
        assert f"{name}: {reason}" in outcome.err


def test_too_many_bad_pictures_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = splits(tmp_path / "data")
    bad_pictures(folder / "train" / "fire")
    outcome = edge_resnet(capsys, "finetune", folder, "--weights", "none", *SMALL, "--out", tmp_path / "run")
    assert "7 of 39 pictures cannot be used" in outcome.mistake


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--input", "224"), "--input 224"),
        (("--input", "16x16"), "--input 16x16"),
        (("--lr", "0"), "--lr 0"),
        (("--device", "tpu"), "--device tpu"),
        (("--background", "cat"), "--background cat: no such class"),
        (("--background", "fire,normal"), "leaves no class that could alarm"),
        (("--weights", "gone.pth"), "gone.pth: no such weights file"),
        (("--resize", "squash"), "--resize"),
        (("--batch", "0"), "--batch"),
        (("--nonsense",), "--nonsense"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], told: str
) -> None:
    out = tmp_path / "run"
    assert told in edge_resnet(capsys, "finetune", data, "--weights", "none", *options, "--out", out).mistake
    assert not out.exists()


def test_without_data_the_article_s_folder_is_expected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert edge_resnet(capsys, "finetune").mistake.startswith("data: no such folder")
    class_folders(tmp_path / "data" / "train", {"fire": 12, "normal": 12})
    class_folders(tmp_path / "data" / "test", {"fire": 3, "normal": 3}, first_seed=5000)
    outcome = edge_resnet(capsys, "finetune", "--weights", "none", *SMALL, "--epochs", 0, "--json")
    assert outcome.code == Exit.FINE, outcome.err
    assert outcome.answer["run"] == "runs/data"
    assert outcome.answer["pictures"]["test"] == {"fire": 3, "normal": 3}
    assert outcome.answer["pictures"]["val"] == {"fire": 2, "normal": 2}
    again = edge_resnet(capsys, "finetune", "--weights", "none", *SMALL, "--epochs", 0, "--json")
    assert again.answer["run"] == "runs/data-2"


def test_a_full_disk_is_one_line_and_leaves_no_half_file(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = edge_resnet(capsys, "finetune", data, "--weights", "none", *SMALL, "--out", "/dev/full/run")
    assert "/dev/full" in outcome.mistake
