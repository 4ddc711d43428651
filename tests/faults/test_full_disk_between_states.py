"""A disk that fills up in the middle of training: the last saved state stays whole, and training goes on from it."""

from pathlib import Path

import pytest
import torch

from edge_resnet.train.checkpoint import History
from edge_resnet.train.world import World
from tests.unit.train.small_training import QUIET, training


def test_the_last_state_stays_whole(middling_disk: Path, tmp_path: Path) -> None:
    filler = middling_disk / "filler"

    def fill(history: History) -> None:
        if history.epochs[-1].epoch == 1:
            with filler.open("wb") as file, pytest.raises(OSError, match="No space left"):
                while True:
                    file.write(bytes(1 << 20))

    straight = training(tmp_path / "straight", World())
    straight.run(QUIET)
    with pytest.raises(OSError, match="No space left"):
        training(middling_disk / "run", World(), fill).run(QUIET)
    assert [path.name for path in (middling_disk / "run").rglob(".*")] == []
    filler.unlink()
    resumed = training(middling_disk / "run", World())
    assert resumed.run(QUIET).epochs[-1].epoch == 3
    assert torch.equal(resumed.network.conv1.weight, straight.network.conv1.weight)
