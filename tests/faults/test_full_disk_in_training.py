"""A disk that fills up while a model is trained: one line, nothing half-written, and the process lives."""

from pathlib import Path

import pytest

from tests.commands import edge_resnet
from tests.drawn import splits


def halves(folder: Path) -> list[str]:
    """Temporary files that were left behind."""
    return [path.name for path in folder.rglob(".*") if path.is_file()]


@pytest.mark.parametrize("size", ["32x40", "224x224"])
def test_a_full_disk_is_one_line(
    size: str, small_disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # 1 MB holds the small pictures but no weights; it does not hold the large pictures.
    data = splits(tmp_path / "data")
    out = small_disk / "run"
    options = ("--weights", "none", "--input", size, "--batch", 4, "--epochs", 0, "--device", "cpu")
    outcome = edge_resnet(capsys, "finetune", data, *options, "--out", out)
    assert "No space left on device" in outcome.mistake
    assert halves(out) == []
    assert not (out / "model.safetensors").exists()
