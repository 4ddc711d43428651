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
from safetensors.torch import load_file
from typer.main import get_command

from edge_resnet.cli.app import app
from edge_resnet.command import Exit
from edge_resnet.model import load
from edge_resnet.train import recipe, selftest
from edge_resnet.train.args import Args
from edge_resnet.train.step import Stepper
from tests.checkpoints import other_task
from tests.commands import edge_resnet
from tests.drawn import bad_pictures, class_folders, splits

SMALL = ("--input", "32x40", "--batch", 4, "--device", "cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return splits(tmp_path_factory.mktemp("data"), train=8, val=4, test=4)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return other_task(tmp_path_factory.mktemp("weights") / "other.safetensors")


def test_a_run_leaves_a_complete_folder(
    data: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    outcome = edge_resnet(
        capsys, "finetune", data, "--weights", weights, *SMALL, "--epochs", 2, "--lr", 1e-4, "--out", out, "--json"
    )
    assert outcome.code == Exit.FINE, outcome.err
    stages = [stage["stage"] for stage in outcome.answer["stages"]]
    assert stages == ["blind guess", "nearest class mean", "linear probe", "fine-tuned"]
    assert all(stage["n"] == 8 for stage in outcome.answer["stages"])
    assert json.loads((out / "report.json").read_text()) == outcome.answer
    assert outcome.answer["background"] == ["normal"]
    rows = list(csv.DictReader((out / "metrics.csv").open()))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert yaml.safe_load((out / "args.yaml").read_text())["chosen"]["lr"] == 1e-4
    assert Image.open(out / "confusion.png").size[0] > 200
    for page in ("report.html", "MODEL_CARD.md", "audit.html", "audit.json"):
        assert (out / page).stat().st_size > 500
    assert outcome.answer["audit"] is not None
    assert list((out / "tensorboard").glob("events.*"))
    _, spec = load(out / "model.safetensors")
    assert spec.labels == ("fire", "normal")
    assert (spec.input.height, spec.input.width) == (32, 40)
    assert spec.temperature == outcome.answer["temperature"] > 0
    assert set(spec.alarms) == {"fire"}
    last, _ = load(out / "last.safetensors")
    assert last.fc.weight.shape == (2, 2048)
    assert not (out / "cache").exists()
    assert not (out / "state").exists()


def test_a_rate_that_makes_training_diverge_is_named_with_the_pictures_and_the_state_kept(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    options = (data, "--weights", "none", *SMALL, "--epochs", 2, "--lr", 1e30, "--save-every", 0, "--out", out)
    mistake = edge_resnet(capsys, "finetune", *options).mistake
    assert "training diverged in epoch 1" in mistake
    assert "diverged.json" in mistake
    told = json.loads((out / "diverged.json").read_text())
    assert len(told["pictures"]) == 4
    assert all(Path(name).is_file() for name in told["pictures"])
    kept = load_file(next((out / "state").glob("state-*.safetensors")))
    assert all(bool(value.isfinite().all()) for value in kept.values())


def test_the_closing_table_is_for_people(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    outcome = edge_resnet(capsys, "finetune", data, "--weights", "none", *SMALL, "--epochs", 1, "--out", out)
    assert outcome.code == Exit.FINE, outcome.err
    assert "trained from nothing" in outcome.out
    assert "linear probe" not in outcome.out
    assert f"edge-resnet export --fp16 {out}" in outcome.err
    assert "batch-norm statistics trained" in outcome.err


def test_head_alone_is_the_probe_and_leaves_the_body_as_it_was(
    data: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    outcome = edge_resnet(
        capsys, "finetune", data, "--weights", weights, *SMALL, "--tune", "head", "--out", out, "--json"
    )
    assert outcome.code == Exit.FINE, outcome.err
    assert outcome.answer["epochs"] == 0
    stages = {stage["stage"]: stage["confusion"] for stage in outcome.answer["stages"]}
    assert stages["fine-tuned"] == stages["linear probe"]
    trained, _ = load(out / "model.safetensors")
    assert torch.equal(trained.layer4[2].conv3.weight, load_file(weights)["layer4.2.conv3.weight"].float())


def test_a_wish_that_validation_cannot_show_is_refused_and_the_model_kept(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    options = (data, "--weights", "none", *SMALL, "--epochs", 0, "--no-audit", "--out", out)
    outcome = edge_resnet(capsys, "finetune", *options, "--false-alarm-rate", 0.01, "--json")
    assert outcome.code == Exit.VERDICT_NO
    (alarm,) = outcome.answer["alarms"]
    assert "rule of three" in alarm["refused"]
    _, spec = load(out / "model.safetensors")
    assert spec.alarms["fire"].threshold == 0.5
    assert outcome.answer["audit"] is None
    assert not (out / "audit.html").exists()


def test_what_was_chosen_holds_where_the_recipe_would_choose_otherwise(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    edge_resnet(capsys, "finetune", data, "--weights", "none", *SMALL, "--epochs", 0, "--no-audit", "--out", out)
    (out / "report.json").unlink()
    monkeypatch.setattr(recipe, "weight_decay", lambda optimizer: 0.7)
    again = edge_resnet(capsys, "finetune", "--resume", "--out", out)
    assert "decay 0.01," in again.err
    assert "0.7" not in again.err


def test_a_killed_run_goes_on_to_the_same_weights(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # One epoch of three steps and one kill in it; as users run it: tests/soak/test_resuming.py.
    monkeypatch.setattr(selftest, "_EPOCHS", 1)
    monkeypatch.setattr(selftest, "_PICTURES", 6)
    monkeypatch.setattr(selftest, "_KILL_AFTER_STEPS", (2,))
    outcome = edge_resnet(capsys, "finetune", "--self-test", "--json")
    assert outcome.code == Exit.FINE, outcome.err
    assert outcome.answer["straight"] == outcome.answer["resumed"]
    assert len(outcome.answer["killed_at"]) == 1


def test_ctrl_c_in_mid_epoch_tells_how_to_go_on(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    monkeypatch.setattr(Stepper, "__call__", stop)
    options = (data, "--weights", "none", *SMALL, "--epochs", 1)
    interrupted = edge_resnet(capsys, "finetune", *options, "--out", out)
    assert interrupted.code == Exit.INTERRUPTED, interrupted.err
    assert f"--resume --out {out}" in interrupted.err
    assert not (out / "report.json").exists()


def stop(*_: object) -> float:
    raise KeyboardInterrupt


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


def test_every_field_of_a_run_has_an_option() -> None:
    command = get_command(app).commands["finetune"]  # type: ignore[attr-defined]
    options = {parameter.name for parameter in command.params}
    assert set(Args.model_fields) - {"height", "width"} <= options


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
