"""One network with seeded weights, trained on nothing, and its bundle: exported once for all tests of parity."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torchvision.models import ResNet

from edge_resnet.bundle import Bundle
from edge_resnet.manifest import AlarmSpec, InputSpec, ModelSpec
from edge_resnet.model import build, normalise, store
from export.golden import drawn_frames
from export.int8.calibrate import Int8Request
from export.package import Proof, export_run
from tests.made_once import made_once

SPEC = ModelSpec(
    labels=("normal", "fire", "smoke"),
    background=("normal",),
    input=InputSpec(height=64, width=96),
    alarms={"fire": AlarmSpec(classes=("fire", "smoke"))},
)
FRAMES = drawn_frames(SPEC.input, 20)


def seeded_network(seed: int = 0) -> ResNet:
    """A network whose batch statistics fit its frames, so that its values are as large as a trained one's."""
    torch.manual_seed(seed)
    model = build(len(SPEC.labels)).train()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                # A fresh network's residual branches are zero; a trained one's are not, and must be compared.
                module.weight.fill_(1.0)
        for _ in range(3):
            model(normalise(torch.from_numpy(FRAMES)))
    return model.eval()


@dataclass(frozen=True)
class Exported:
    """A run and its bundle."""

    run: Path
    model: ResNet
    bundle: Bundle


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that do without the bundle come first: one process has them while another makes it."""
    items.sort(key=lambda item: "exported" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    made = made_once(tmp_path_factory, "exported", _export)
    # Links of this process alone, beside which its tests may leave files.
    run = shutil.copytree(made, tmp_path_factory.mktemp("own") / "run", copy_function=os.link)
    return Exported(run, seeded_network(), Bundle.open(run / "bundle"))


def _export(run: Path) -> None:
    store(seeded_network(), SPEC, run / "model.safetensors")
    export = export_run(
        run,
        run / "bundle",
        fp16=True,
        int8=Int8Request(hashes=("drawn",), frames=lambda: FRAMES),
        golden_frames=FRAMES[:8],
        proof=Proof([FRAMES[:7], FRAMES[7:]], [0] * len(FRAMES)),
        provenance={"arguments": {"seed": 0}},
    )
    assert export.folder == run / "bundle"


@pytest.fixture(scope="session")
def answers(exported: Exported) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Torchvision's own logits, and the map by the definition of Zhou et al., on FRAMES."""
    model = exported.model
    with torch.inference_mode():
        pixels = normalise(torch.from_numpy(FRAMES))
        stem = model.maxpool(model.relu(model.bn1(model.conv1(pixels))))
        maps = model.layer4(model.layer3(model.layer2(model.layer1(stem))))
        cam = torch.einsum("nfhw,cf->nchw", maps, model.fc.weight) + model.fc.bias[None, :, None, None]
        return model(pixels).numpy(), cam.numpy()
