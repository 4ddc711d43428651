"""Which device trains, and in which number format and memory layout it is fastest."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from edge_resnet import model as resnet
from edge_resnet.errors import UserError
from edge_resnet.hardware import cpu_has_bf16, memory_bytes

_Module = TypeVar("_Module", bound=torch.nn.Module)


@dataclass(frozen=True)
class Device:
    """A torch device, and whether bfloat16 is native on it."""

    torch: torch.device
    bf16: bool

    @classmethod
    def choose(cls, name: str = "auto") -> Device:
        """`auto` is the first GPU or else the CPU; also `cpu`, `cuda`, `cuda:1`. Raises UserError."""
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        if name != "cpu" and not name.startswith("cuda"):
            raise UserError(f"--device {name}: takes auto, cpu, cuda or cuda:N")
        if name.startswith("cuda") and not torch.cuda.is_available():
            raise UserError(f"--device {name}: no CUDA GPU that torch can use here; take cpu")
        bf16 = torch.cuda.is_bf16_supported(including_emulation=False) if name != "cpu" else cpu_has_bf16()
        return cls(torch.device(name), bf16)

    @property
    def is_gpu(self) -> bool:
        return self.torch.type == "cuda"

    @property
    def memory_bytes(self) -> int:
        """The memory that there is for a step: the GPU's, or the machine's."""
        return torch.cuda.get_device_properties(self.torch).total_memory if self.is_gpu else memory_bytes()

    def describe(self) -> str:
        """For people and for args.yaml."""
        return f"{self.torch}, {'bf16' if self.bf16 else 'fp32'}, channels_last"

    def place(self, module: _Module) -> _Module:
        """Move a module here, its convolution weights in channels-last order."""
        return module.to(self.torch, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def inputs(self, frames: Tensor) -> Tensor:
        """N x H x W x 3 uint8 BGR frames, normalised here, N x 3 x H x W, channels-last."""
        return resnet.normalise(frames.to(self.torch, non_blocking=True)).contiguous(memory_format=torch.channels_last)

    def autocast(self) -> AbstractContextManager[None]:
        """Computes convolutions and matrix products in bfloat16 where that is native."""
        return torch.autocast(self.torch.type, dtype=torch.bfloat16, enabled=self.bf16)
