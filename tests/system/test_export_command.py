"""`edge-resnet export` as a person calls it: INT8 from a checkpoint of another trainer, leaks, and mistakes."""

from __future__ import annotations

import inspect
import shutil
from pathlib import Path
from typing import get_args

import pytest
import torch

from edge_resnet.bundle import Bundle
from edge_resnet.cli.export import CalibrationMethod
from edge_resnet.cli.export import export as command
from edge_resnet.command import Exit
from edge_resnet.manifest import InputSpec
from edge_resnet.model import load
from edge_resnet.train.adopt import adopt
from export import graph
from export.int8.calibrate import DEFAULT_METHOD
from export.int8.calibration import CALIBRATION
from export.int8.pictures import DEFAULT_COUNT
from export.int8.thresholds import METHODS
from tests.commands import edge_resnet
from tests.drawn import class_folders, splits
from tests.parity.conftest import seeded_network

OPTIONS = ("--input", "32x40", "--no-speed", "--golden", "samples")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return splits(tmp_path_factory.mktemp("data"), train=9)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict as other trainers save it, with a head of two classes."""
    network = seeded_network()
    network.fc = torch.nn.Linear(2048, 2)
    with torch.no_grad():
        # Logits far from zero, as a trained head's: near it the rounding of 7-bit weights turns their direction.
        network.fc.weight.abs_().mul_(torch.tensor([[1.0], [-1.0]]))
    path = tmp_path_factory.mktemp("weights") / "resnet50.pth"
    torch.save({"state_dict": network.state_dict()}, path)
    return path


@pytest.fixture(scope="module")
def adopted(data: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of that checkpoint, with nothing exported yet."""
    run = tmp_path_factory.mktemp("adopted") / "run"
    adopt(checkpoint, data, InputSpec(height=32, width=40), run, lambda done, total: None)
    return run


def test_a_checkpoint_becomes_a_bundle_with_int8_without_fine_tuning(
    data: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    folders = ("--openvino", tmp_path / "ir", "--triton", tmp_path / "triton")
    weights = ("--weights", checkpoint, "--data", data)
    outcome = edge_resnet(capsys, "export", run, *weights, *OPTIONS, "--int8", *folders, "--json")
    assert outcome.code == Exit.FINE, outcome.err
    bundle = Bundle.open(run / "bundle")
    bundle.check()
    assert bundle.variants == ("fp32", "int8.x86", "int8.trt")
    assert bundle.model.labels == ("fire", "normal")
    assert bundle.model.background == ("normal",)
    assert bundle.manifest.provenance["int8"]["pictures"] == 18
    assert outcome.answer["parity"]["n"] == 16
    rows = {(row["backend"], row["precision"]): row["verdict"] for row in outcome.answer["parity"]["rows"]}
    assert rows["onnxruntime", "int8"] == rows["openvino", "int8"] == "pass"
    assert {"model.xml", "model.int8.xml", "model.int8.bin"} <= {path.name for path in (tmp_path / "ir").iterdir()}
    assert list((tmp_path / "triton").glob("*/config.pbtxt"))
    # Again, with another method: the table is used, the pictures are not needed. The graph is made once: it takes long.
    made = bundle.model_bytes("fp32")
    monkeypatch.setattr(graph, "export_onnx", lambda model, spec: graph.onnx.load_from_string(made))
    again = edge_resnet(capsys, "export", run, *OPTIONS[2:], "--int8", "--calibration", "minmax", "--json")
    assert again.code == Exit.FINE, again.err
    assert "used again" in again.err
    assert Bundle.open(run / "bundle").read(CALIBRATION) == bundle.read(CALIBRATION)
    assert Bundle.open(run / "bundle").model_sha256("int8.x86") != bundle.model_sha256("int8.x86")


def test_a_leak_from_training_into_the_proof_is_refused(
    data: Path, adopted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leaky = tmp_path / "held-out"
    shutil.copytree(data / "test", leaky)
    shutil.copy(next((data / "train" / "fire").iterdir()), leaky / "normal" / "another-name.png")
    mistake = edge_resnet(capsys, "export", adopted, "--data", leaky, "--int8").mistake
    assert "another-name.png: is a training picture" in mistake
    assert not (adopted / "bundle").exists()


def test_mistakes_with_weights(
    data: Path, checkpoint: Path, adopted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = ("--weights", checkpoint)
    three = tmp_path / "three"
    for split in ("train", "val"):
        class_folders(three / split, dict.fromkeys(("a", "b", "c"), 2))
    flat = class_folders(tmp_path / "flat", {"a": 2, "b": 2})
    for arguments, told in (
        ((*weights,), "name them with --data"),
        ((*weights, "--data", three), "its head has 2 outputs where the data has 3 classes"),
        ((*weights, "--data", flat), "has no train/ and val/ or test/"),
        ((*weights, "--data", data, "--input", "224"), "--input 224"),
        (("--weights", tmp_path / "none.pth", "--data", data), "no such weights file"),
        (("--plots",), "--plots: draws the ranges of --int8"),
    ):
        assert told in edge_resnet(capsys, "export", tmp_path / "run", *arguments).mistake
    assert not (tmp_path / "run").exists()
    again = edge_resnet(capsys, "export", adopted, *weights, "--data", data)
    assert "a run lies here already" in again.mistake


def test_too_few_training_pictures_are_told_before_anything_is_done(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = splits(tmp_path / "few", train=3)
    outcome = edge_resnet(
        capsys, "export", tmp_path / "run", "--weights", checkpoint, "--data", few, "--input", "32x32", "--int8"
    )
    assert "6 training pictures are too few to calibrate INT8; 16 at least" in outcome.mistake


def test_the_weights_are_the_checkpoints(adopted: Path, checkpoint: Path) -> None:
    network, spec = load(adopted / "model.safetensors")
    saved = torch.load(checkpoint, weights_only=True)["state_dict"]
    assert spec.temperature == 1.0
    assert torch.equal(network.fc.weight, saved["fc.weight"])
    assert torch.equal(network.conv1.weight, saved["conv1.weight"])


def test_the_command_s_defaults_are_the_library_s() -> None:
    defaults = {name: parameter.default for name, parameter in inspect.signature(command).parameters.items()}
    assert defaults["calibration"] == DEFAULT_METHOD
    assert defaults["calibration_pictures"] == DEFAULT_COUNT
    assert get_args(CalibrationMethod) == METHODS
