"""Several processes that train one network: torchrun starts them, the first writes, all see the same run folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist

from edge_resnet.device import Device
from edge_resnet.errors import UserError

_Item = TypeVar("_Item")

# Others wait while the first decodes all pictures and judges the result.
_PATIENCE = timedelta(days=2)


@dataclass(frozen=True)
class World:
    """This process among `size` that train together; `rank` 0 writes and tells."""

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def barrier(self) -> None:
        """Wait until all processes are here."""
        if self.size > 1:
            dist.barrier()

    def share(self, batch: Sequence[_Item]) -> list[_Item]:
        """This process's part of a batch, as even as it can be; the parts in order of rank are the batch."""
        own = self.parts(len(batch))[self.rank]
        return list(batch[own.start : own.stop])

    def parts(self, count: int) -> list[range]:
        """Which of `count` things each process takes."""
        cuts = [count * rank // self.size for rank in range(self.size + 1)]
        return [range(first, last) for first, last in pairwise(cuts)]

    def total(self, value: float, device: Device) -> float:
        """The sum of `value` over all processes."""
        if self.size == 1:
            return value
        tensor = torch.tensor([value], dtype=torch.float64, device=device.torch)
        dist.all_reduce(tensor)
        return float(tensor.item())

    def gathered(self, rows: npt.NDArray[np.float32], counts: Sequence[int], device: Device) -> npt.NDArray[np.float32]:
        """All processes' `rows` (n x C, n = counts[rank]), in order of rank."""
        if self.size == 1:
            return rows
        padded = torch.zeros(max(counts), rows.shape[1], device=device.torch)
        padded[: len(rows)] = torch.from_numpy(rows)
        parts = [torch.empty_like(padded) for _ in counts]
        dist.all_gather(parts, padded)
        return np.concatenate([part[:n].cpu().numpy() for part, n in zip(parts, counts, strict=True)])


@contextmanager
def joined(device: Device) -> Iterator[tuple[World, Device]]:
    """The processes that torchrun started, and this one's device; alone where it did not. Raises UserError."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield World(), device
        return
    if device.is_gpu:
        own = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        if own.index >= torch.cuda.device_count():
            raise UserError(f"torchrun: {torch.cuda.device_count()} GPUs here; take as many for --nproc-per-node")
        torch.cuda.set_device(own)
        device = replace(device, torch=own)
    dist.init_process_group("nccl" if device.is_gpu else "gloo", timeout=_PATIENCE)
    try:
        yield World(dist.get_rank(), dist.get_world_size()), device
    finally:
        dist.destroy_process_group()
