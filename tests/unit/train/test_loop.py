"""Training from anywhere it was stopped: the same weights in the end; a loss that is no number; early stopping."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torchvision.models import ResNet

from edge_resnet.errors import UserError
from edge_resnet.train.batches import Batch
from edge_resnet.train.loop import Diverged
from edge_resnet.train.step import Stepper
from edge_resnet.train.world import World
from tests.unit.train.small_training import QUIET, training

RANDOM = {"dropout": 0.3, "mixup": 0.3, "cutmix": 1.0, "ema": 0.9, "label_smoothing": 0.1}


class Stopped(Exception):
    """Stands for a kill: nothing of the process is left but its files."""


def stop_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = 0
    step = Stepper.__call__

    def stopping(self: Stepper, batch: Batch, truth: object, seed: int) -> float:
        nonlocal taken
        if taken == steps:
            raise Stopped
        taken += 1
        return step(self, batch, truth, seed)  # type: ignore[arg-type]

    monkeypatch.setattr(Stepper, "__call__", stopping)


# Saved after each step, or at the end of each epoch alone.
@pytest.mark.parametrize(("optimizer", "save_every"), [("sgd", 0.0), ("adamw", 0.0), ("adam", 3600.0)])
def test_a_stopped_run_goes_on_to_the_same_weights(
    optimizer: str, save_every: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"optimizer": optimizer, "save_every": save_every, **RANDOM}
    straight = training(tmp_path / "straight", World(), **asked)
    expected = straight.run(QUIET)
    for steps in (2, 3):  # in the first epoch of three steps, and in the second
        with monkeypatch.context() as patched, pytest.raises(Stopped):
            stop_after(steps, patched)
            training(tmp_path / "broken", World(), **asked).run(QUIET)
    resumed = training(tmp_path / "broken", World(), **asked)
    found = resumed.run(QUIET)
    first, second = straight.network.state_dict(), resumed.network.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    for one, other in zip(found.epochs, expected.epochs, strict=True):
        # Validation judges the moving average, which must have been kept too.
        assert (one.train_loss, one.val_loss) == (other.train_loss, other.val_loss)


def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    one, other = (training(tmp_path / str(seed), World(), seed=seed) for seed in (0, 1))
    one.run(QUIET)
    other.run(QUIET)
    assert not torch.equal(one.network.fc.weight, other.network.fc.weight)


def test_a_loss_that_is_no_number_names_the_pictures_and_keeps_the_last_good_state(tmp_path: Path) -> None:
    job = training(tmp_path, World(), lr=1e30, save_every=0.0)
    with pytest.raises(Diverged, match=r"epoch 1 .*diverged.json names .* --lr 1e\+29"):
        job.run(QUIET)
    told = json.loads((tmp_path / "diverged.json").read_text())
    assert len(told["pictures"]) == 8
    state = json.loads((tmp_path / "state" / "state.json").read_text())
    assert state["position"]["step"] <= told["step"]


def test_a_weight_that_is_no_number_is_not_saved(tmp_path: Path) -> None:
    def poison(network: ResNet) -> None:
        if (tmp_path / "state").exists():
            with torch.no_grad():
                network.fc.bias.fill_(torch.nan)

    job = replace(training(tmp_path, World()), on_best=poison)
    with torch.no_grad():
        # So bad a beginning that the first epoch is the best so far: the state of the beginning is there by then.
        job.network.fc.bias.copy_(torch.tensor([-20.0, 20.0]))
    with pytest.raises(Diverged):
        job.run(QUIET)
    state = json.loads((tmp_path / "state" / "state.json").read_text())
    kept = load_file(tmp_path / "state" / state["tensors"])
    assert all(bool(value.isfinite().all()) for value in kept.values())


def test_stages_learn_at_their_own_rate(tmp_path: Path) -> None:
    job = training(tmp_path, World(), stage_decay=0.0, weights="none", epochs=1)
    before = {name: value.clone() for name, value in job.network.named_parameters()}
    job.run(QUIET)
    after = dict(job.network.named_parameters())
    assert torch.equal(after["conv1.weight"], before["conv1.weight"])
    assert not torch.equal(after["fc.weight"], before["fc.weight"])


def test_it_stops_when_validation_gets_no_better(tmp_path: Path) -> None:
    history = training(tmp_path, World(), epochs=30, patience=2, lr=1e-9).run(QUIET)
    assert history.epochs[-1].epoch <= history.best.epoch + 2


def test_a_damaged_state_is_named(tmp_path: Path) -> None:
    training(tmp_path, World(), epochs=1).run(QUIET)
    (tmp_path / "state" / "state.json").write_text("{}")
    with pytest.raises(UserError, match="the saved state is damaged"):
        training(tmp_path, World(), epochs=2).run(QUIET)
