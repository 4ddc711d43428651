"""An edge box without torch, ONNX and matplotlib: a fresh environment that holds the base install alone."""

import json
import re
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from edge_resnet.model import store
from export.package import export_run
from tests.parity.conftest import FRAMES, SPEC, seeded_network
from tests.stand_ins import write_clip

ROOT = Path(__file__).resolve().parents[2]


def base_distributions() -> set[str]:
    """What `pip install edge-resnet` without extras brings, by following the requirements of what is installed."""
    found: set[str] = set()
    open_ends = ["edge-resnet"]
    while open_ends:
        name = re.sub(r"[-_.]+", "-", open_ends.pop()).lower()
        if name not in found:
            found.add(name)
            needs = map(Requirement, metadata.requires(name) or [])
            open_ends += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return found


@pytest.fixture(scope="module")
def base_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment into which only the base distributions are linked."""
    folder = tmp_path_factory.mktemp("base")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip())
    for name in base_distributions():
        for file in metadata.files(name) or []:
            top = file.parts[0]
            if top != ".." and not (site / top).exists():
                (site / top).symlink_to(Path(str(file.locate())).parents[len(file.parts) - 1] / top)
    return python


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the base install can run: fp32 for OpenCV."""
    run = tmp_path_factory.mktemp("run")
    store(seeded_network(), SPEC, run / "model.safetensors")
    return export_run(run, run / "bundle", golden_frames=FRAMES[:8]).folder


def test_nothing_of_training_is_there(base_python: Path) -> None:
    code = "import importlib.util as u; print([n for n in {names!r} if u.find_spec(n)])".format(
        names=["torch", "torchvision", "matplotlib", "onnx", "onnxruntime", "openvino", "av", "cv2"]
    )
    found = subprocess.run([base_python, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "['cv2']"


def test_a_clip_is_watched_by_opencv_alone(base_python: Path, bundle: Path, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.avi", [100] * 20)
    command = [base_python, ROOT / "runtime" / "stream.py", "--camera", clip, "--bundle", bundle]
    done = subprocess.run([*command, "--json"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["backend"], answer["precision"]) == ("opencv", "fp32")
    assert [camera["looks"] for camera in answer["cameras"]] == [10]


def test_what_needs_training_says_what_to_install(base_python: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [base_python, "-m", "edge_resnet", "finetune", "."], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'edge-resnet[train]'" in done.stderr


def test_this_test_runs_where_everything_is_installed() -> None:
    assert "torch" in {name.lower() for name in metadata.packages_distributions()}, sys.executable
