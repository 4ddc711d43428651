"""PyTorch as the reference: the trained weights on torchvision's own network, with nothing of the export in between."""

from __future__ import annotations

from pathlib import Path

import torch

from edge_resnet.errors import BackendError
from edge_resnet.manifest import ModelSpec
from edge_resnet.model import body, class_activation_map, load, normalise
from runtime.backends.base import Backend, Description, Floats, Frames

_TYPES = {"fp32": torch.float32, "fp16": torch.float16}


class Torch(Backend):
    """The model of a run. In fp16 on a processor it is a stand-in for the numbers, computed slowly."""

    def __init__(self, weights: Path, spec: ModelSpec, precision: str, device: str) -> None:
        super().__init__(spec)
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self._precision, self._device, self._type = precision, torch.device(device), _TYPES[precision]
        model, trained = load(weights)
        if trained.labels != spec.labels or trained.input != spec.input:
            raise BackendError(f"{weights}: other labels or input size than the bundle's; export it again")
        # Of the values nothing changes; half precision on a processor is four times faster in this order.
        self._order = torch.channels_last if self._type == torch.float16 else torch.contiguous_format
        self._model = model.to(self._device, self._type, memory_format=self._order)

    def describe(self) -> Description:
        emulated = self._precision == "fp16" and self._device.type == "cpu"
        note = "half precision on a processor: a stand-in for the numbers" if emulated else ""
        return Description(
            "torch", torch.__version__, str(self._device), self._precision, self._precision, emulated, note
        )

    def _run(self, frames: Frames) -> tuple[Floats, Floats]:
        # TF32 would keep ten bits of mantissa and still be called fp32.
        with torch.inference_mode(), torch.backends.cudnn.flags(allow_tf32=False):
            inputs = normalise(torch.from_numpy(frames).to(self._device))
            inputs = inputs.to(self._type, memory_format=self._order)
            maps = body(self._model, inputs)
            logits = self._model.fc(self._model.avgpool(maps).flatten(1))
            cam = class_activation_map(self._model, maps)
            return logits.float().cpu().numpy(), cam.float().cpu().numpy()
