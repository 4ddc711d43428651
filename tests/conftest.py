"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

# How long an example takes tells of the box and its other programs, not of the code.
settings.register_profile("any_box", deadline=None)
settings.load_profile("any_box")
_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def one_torch_thread() -> Iterator[None]:
    """Torch's threads wait for each other by spinning, which is very slow beside other programs.

    Sums of one thread are also the same in every process: programs that tests start get OMP_NUM_THREADS as well.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real pictures and clips; EDGE_RESNET_REAL names it, else it lies beside the repository."""
    folder = Path(os.environ.get("EDGE_RESNET_REAL") or _ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is absent (EDGE_RESNET_REAL names another)")
    return folder
