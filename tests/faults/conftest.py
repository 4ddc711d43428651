"""What tests of bad days share."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB of its own."""
    yield from _disk(tmp_path / "small", "1m")


@pytest.fixture
def evidence_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own for an event store with some pictures and clips."""
    yield from _disk(tmp_path / "evidence", "16m")


@pytest.fixture
def middling_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that holds two states of a small training (2.4 MB each), not much more."""
    yield from _disk(tmp_path / "middling", "8m")


def _disk(folder: Path, size: str) -> Iterator[Path]:
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
