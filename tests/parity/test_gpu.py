"""The same answers on a CUDA GPU: written for a machine that has one, skipped with that reason elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from edge_resnet.command import Exit
from edge_resnet.verdict import judge
from runtime.backends import open_backend
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


def test_a_run_trains_on_a_gpu(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--weights", "none", "--input", "32x40", "--batch", 4, "--epochs", 1, "--device", "cuda")
    outcome = edge_resnet(capsys, "finetune", splits(tmp_path / "data"), *options, "--out", tmp_path / "run", "--json")
    assert outcome.code == Exit.FINE, outcome.err
    assert outcome.answer["device"].startswith("cuda")
