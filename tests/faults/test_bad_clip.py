"""A clip that cannot be written: one line, nothing half-written, the old clip stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_resnet.errors import UserError
from runtime.outputs import clip
from runtime.outputs.clip import Clip


# With few pictures the disk is full only when the encoder gives what it still holds, at the end.
@pytest.mark.parametrize("pictures", [20, 400])
@pytest.mark.parametrize("encoder", ["H.264", "MPEG-4"])
def test_a_full_disk_leaves_the_old_clip(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, pictures: int, encoder: str
) -> None:
    if encoder == "MPEG-4":
        monkeypatch.setattr(clip, "_pyav", lambda: None)
    elif clip._pyav() is None:
        pytest.skip("PyAV with libx264 is not installed")
    path = small_disk / "out.mp4"
    path.write_bytes(b"old")
    with pytest.raises(UserError, match="cannot be written") as caught:
        save_noise(path, pictures)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"old"
    assert [item.name for item in small_disk.iterdir()] == ["out.mp4"]


def save_noise(path: Path, pictures: int) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (10, 480, 640, 3), np.uint8)
    output = Clip(path, 10.0, lambda line: None)
    try:
        for number in range(pictures):
            output.picture(noise[number % 10], number / 10)
    finally:
        output.close()
