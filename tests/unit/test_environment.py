"""Packages that must not be installed together, and what is missing."""

import subprocess
import sys

import pytest

from edge_resnet import cli, environment
from edge_resnet.errors import UserError


def installed(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(environment, "version", lambda name: "1.0" if name in names else None)


@pytest.mark.parametrize(
    "names", [("onnxruntime", "onnxruntime-gpu"), ("opencv-python", "opencv-python-headless")], ids=lambda n: n[-1]
)
def test_twins_are_found_and_told_how_to_part(monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]) -> None:
    installed(monkeypatch, *names)
    with pytest.raises(UserError) as caught:
        environment.check()
    assert f"pip uninstall -y {' '.join(names)}" in str(caught.value)


def test_one_of_each_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "onnxruntime-gpu", "opencv-python-headless", "openvino")
    environment.check()
    assert environment.twins() == []


def test_twins_stop_every_command_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(monkeypatch, "onnxruntime", "onnxruntime-gpu")
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "torch")
    with pytest.raises(UserError, match=r"torchvision not installed here; pip install 'edge-resnet\[train\]'"):
        environment.require("torch", "torchvision", extra="train")


def test_help_waits_for_nothing_heavy() -> None:
    # What takes tens of milliseconds or more to import; the help has to come in under half a second.
    code = (
        "import sys; from edge_resnet.cli.app import app; "
        "print({'torch', 'cv2', 'numpy', 'pydantic', 'onnx', 'PIL', 'matplotlib'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
