"""The same answers on a CUDA GPU: written for a machine that has one, skipped with that reason elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from edge_resnet.command import Exit
from edge_resnet.verdict import judge
from runtime.backends import installed, open_backend, precisions
from tests.commands import edge_resnet
from tests.drawn import splits
from tests.parity.conftest import FRAMES, Exported

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU that torch can use"),
]


def answers(exported: Exported, name: str, precision: str, device: str) -> np.ndarray:
    with open_backend(name, exported.bundle, precision, device, run=exported.run) as backend:
        assert not backend.describe().emulated
        assert not backend.describe().downgraded
        return backend.infer(FRAMES).logits


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_torch_on_a_gpu_answers_as_on_the_processor(exported: Exported, precision: str) -> None:
    reference = answers(exported, "torch", "fp32", "cpu")
    assert judge(precision, reference, answers(exported, "torch", precision, "cuda")).failures == ()


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_onnxruntime_s_cuda_provider_answers_as_torch(exported: Exported, precision: str) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has no CUDA provider: install onnxruntime-gpu")
    reference = answers(exported, "torch", "fp32", "cpu")
    assert judge(precision, reference, answers(exported, "onnxruntime", precision, "cuda")).failures == ()


@pytest.fixture(params=["tensorrt", "tensorrt_rtx"])
def tensorrt(request: pytest.FixtureRequest) -> str:
    """The name of a TensorRT that is installed and serves the GPU here."""
    name: str = request.param
    if name not in installed():
        pytest.skip(f"{name} is not installed")
    from runtime.backends.tensorrt.api import Api
    from runtime.backends.tensorrt.gpu import find_gpu

    capabilities, gpu = Api(name).capabilities, find_gpu(name, "auto")
    if capabilities and gpu.capability not in capabilities:
        pytest.skip(f"{name} does not serve {gpu.name} ({gpu.capability})")
    return name


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_tensorrt_answers_as_torch_in_every_batch_and_runs_what_was_asked(
    precision: str, tensorrt: str, exported: Exported, tmp_path: Path
) -> None:
    if precision not in precisions(tensorrt, exported.bundle):
        pytest.skip(f"this bundle has no {precision} model for TensorRT")
    reference = answers(exported, "torch", "fp32", "cpu")
    lines: list[str] = []
    with open_backend(tensorrt, exported.bundle, precision, box=tmp_path, log=lines.append) as backend:
        description = backend.describe()
        assert description.executed is not None, "the engine tells nothing of its layers"
        assert description.executed.share(precision) > 0.9, description
        # 20 are split; a size that comes again is captured as a graph, and the third time only launched.
        for size in (20, 1, 1, 1, 7, 7, 7, 20):
            assert judge(precision, reference[:size], backend.infer(FRAMES[:size]).logits).failures == ()
    assert not any("CUDA graph" in line for line in lines), lines


def test_tensorrt_builds_once_and_again_when_the_engine_is_damaged(
    tensorrt: str, exported: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("build", exported.bundle.folder, "--engine", tensorrt, "--precision", "fp16", "--box", tmp_path)
    outcome = edge_resnet(capsys, *arguments, "--json")
    assert outcome.answer["status"] == "verified", outcome.err
    lines: list[str] = []
    open_backend(tensorrt, exported.bundle, "fp16", box=tmp_path, log=lines.append).close()
    assert lines == []
    engine = Path(outcome.answer["file"])
    engine.write_bytes(engine.read_bytes()[:-1])
    with open_backend(tensorrt, exported.bundle, "fp16", box=tmp_path, log=lines.append) as backend:
        assert backend.infer(FRAMES[:1]).logits.shape == (1, 3)
    assert "damaged" in lines[0]


def test_a_run_trains_on_a_gpu(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--weights", "none", "--input", "32x40", "--batch", 4, "--epochs", 1, "--device", "cuda")
    outcome = edge_resnet(capsys, "finetune", splits(tmp_path / "data"), *options, "--out", tmp_path / "run", "--json")
    assert outcome.code == Exit.FINE, outcome.err
    assert outcome.answer["device"].startswith("cuda")
