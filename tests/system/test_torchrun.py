"""Training in two processes, as torchrun starts them: the curve of one process with twice the batch, one writer."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkpoints import other_task
from tests.commands import edge_resnet
from tests.drawn import splits

ROOT = Path(__file__).resolve().parents[2]
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
QUICK = ("--input", "32x40", "--epochs", "1", "--batch", "4", "--no-audit", "--device", "cpu")


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("task")
    # 18 pictures: the last batch is one that two processes cannot share evenly.
    return splits(folder / "data", train=9, val=3, test=3), other_task(folder / "other.safetensors")


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, timeout=300, cwd=ROOT)


def losses(*launcher: str, batch: int, folder: Path) -> list[list[float]]:
    outcome = run(*launcher, "-m", "tests.unit.train.small_training", batch, folder)
    assert outcome.returncode == 0, outcome.stderr
    found: list[list[float]] = json.loads(outcome.stdout)
    return found


def test_two_processes_learn_as_one_with_twice_the_batch(tmp_path: Path) -> None:
    alone = losses(batch=8, folder=tmp_path / "one")
    together = losses(*TORCHRUN, batch=4, folder=tmp_path / "two")
    assert len(alone) == 4
    assert alone[3][0] < alone[1][0]
    for one, two in zip(alone, together, strict=True):
        assert two == pytest.approx(one, rel=1e-3)


def test_only_the_first_process_writes_and_tells(task: tuple[Path, Path], tmp_path: Path) -> None:
    data, weights = task
    out = tmp_path / "run"
    command = ("-m", "edge_resnet", "finetune", data, "--weights", weights, *QUICK, "--out", out, "--json")
    outcome = run(*TORCHRUN, *command)
    assert outcome.returncode == 0, outcome.stderr
    assert json.loads(outcome.stdout) == json.loads((out / "report.json").read_text())
    assert outcome.stderr.count("2 processes") == 1
    assert outcome.stderr.count("epoch 1: ") == 1
    assert [row["epoch"] for row in csv.DictReader((out / "metrics.csv").open())] == ["0", "1"]
    assert len(list((out / "tensorboard").glob("events.*"))) == 2


def test_the_run_s_folder_must_be_named(
    task: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    outcome = edge_resnet(capsys, "finetune", task[0], "--weights", task[1], *QUICK)
    assert "name the run's folder with --out" in outcome.mistake
