"""The trained network of the real data set through every engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from edge_resnet.bundle import Bundle
from edge_resnet.manifest import InputSpec, ModelSpec
from edge_resnet.model import build, store
from edge_resnet.pictures import read_picture
from export.int8.calibrate import Int8Request
from export.package import Proof, export_run

_CLASSES = 200
_EVERY = 4


@pytest.mark.real
@pytest.mark.slow
def test_a_trained_network_holds_every_gate(real_data: Path, tmp_path: Path) -> None:
    checkpoint = real_data / "checkpoints" / "resnet50-tinyimagenet64.safetensors"
    pictures = real_data / "tinyimagenet" / "val"
    if not checkpoint.is_file() or not pictures.is_dir():
        pytest.skip(f"{checkpoint} or {pictures} is absent")
    labels = tuple(sorted(folder.name for folder in pictures.iterdir()))
    spec = ModelSpec(labels=labels, input=InputSpec(height=64, width=64))
    model = build(_CLASSES)
    model.load_state_dict(load_file(checkpoint))
    assert model.fc.weight.dtype == torch.float32
    store(model, spec, tmp_path / "model.safetensors")
    chosen = [sorted((pictures / label).iterdir())[0] for label in labels[::_EVERY]]
    frames = spec.input.preprocess.batch([read_picture(path) for path in chosen])
    export = export_run(
        tmp_path,
        tmp_path / "bundle",
        fp16=True,
        int8=Int8Request(("drawn",), lambda: frames[:32]),
        golden_frames=frames[:8],
        proof=Proof(frames, list(range(0, _CLASSES, _EVERY))),
    )
    assert export.report.passed
    judged = [row for row in export.report.rows if row.description is not None]
    assert {("onnxruntime", "int8"), ("openvino", "int8")} <= {(row.backend, row.precision) for row in judged}
    for row in judged:
        assert row.result is not None
        assert row.result.figures is not None
        assert row.result.accuracy is not None
        # One of 200 by chance; the checkpoint has about a third right.
        assert row.result.accuracy.reference > 0.1
    assert np.array_equal(Bundle.open(export.folder).golden().frames, frames[:8])
