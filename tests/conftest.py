"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real pictures and clips; EDGE_RESNET_REAL names it, else it lies beside the repository."""
    folder = Path(os.environ.get("EDGE_RESNET_REAL") or _ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is absent (EDGE_RESNET_REAL names another)")
    return folder
