"""The plan of an epoch: the same in any number of processes and from any step on."""

import numpy as np
import pytest
import torch

from edge_resnet.train.augment import Augmented
from edge_resnet.train.batches import Batch, Plan
from edge_resnet.train.world import World
from tests.unit.train.small import settings

TRUTH = np.array([0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1], np.int64)


def dataset(seed: int = 7) -> Augmented:
    pictures = np.random.default_rng(0).integers(0, 255, (len(TRUTH), 40, 40, 3), np.uint8)
    return Augmented(pictures, range(len(TRUTH)), TRUTH.tolist(), (32, 36), "full", seed)


def batches(plan: Plan, epoch: int = 1, first: int = 0) -> list[Batch]:
    return list(plan.batches(dataset(), epoch, first))


def frames(found: list[Batch]) -> torch.Tensor:
    return torch.cat([batch.frames for batch in found])


def test_an_epoch_takes_every_picture_once_in_an_order_of_its_own() -> None:
    plan = Plan(TRUTH, settings(batch=4), World())
    found = [batches(plan, epoch) for epoch in (1, 2)]
    orders = [[position for batch in epoch for position in batch.positions] for epoch in found]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(11))
    assert orders[0] != orders[1]
    assert found[0][0].frames.shape == (4, 32, 36, 3)
    assert found[0][0].frames.dtype == torch.uint8
    assert [batch.truth.tolist() for batch in found[0]] == [TRUTH[list(batch.positions)].tolist() for batch in found[0]]


def test_going_on_in_mid_epoch_gives_the_same_batches_in_any_process() -> None:
    plan = Plan(TRUTH, settings(batch=4), World())
    torch.manual_seed(1)
    whole = batches(plan)
    torch.manual_seed(2)
    with_workers = Plan(TRUTH, settings(batch=4).model_copy(update={"workers": 2}), World())
    rest = batches(with_workers, first=1)
    assert [batch.step for batch in rest] == [1, 2]
    assert torch.equal(frames(whole[1:]), frames(rest))


def test_loading_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    batches(Plan(TRUTH, settings(batch=4), World()))
    assert torch.equal(torch.rand(1), expected)


def test_two_processes_share_the_batches_of_one_with_twice_the_batch() -> None:
    one = batches(Plan(TRUTH, settings(batch=4), World()))
    parts = [batches(Plan(TRUTH, settings(batch=2), World(rank, 2))) for rank in (0, 1)]
    assert [batch.positions for batch in one] == [batch.positions for batch in parts[0]]
    for whole, first, second in zip(one[:-1], *(part[:-1] for part in parts), strict=True):
        assert torch.equal(whole.frames, torch.cat([first.frames, second.frames]))


def test_a_process_without_a_picture_of_the_last_batch_gets_a_stand_in() -> None:
    found = [batches(Plan(TRUTH[:9], settings(batch=4), World(rank, 2)))[-1] for rank in (0, 1)]
    assert [len(batch.positions) for batch in found] == [1, 1]
    assert [len(batch.truth) for batch in found] == [1, 1]
    shares = [World(rank, 2).share(found[0].positions) for rank in (0, 1)]
    assert sorted(map(len, shares)) == [0, 1]


def test_a_last_batch_of_one_is_dropped_where_statistics_train() -> None:
    frozen, trained = settings(batch=5), settings(batch=5, weights="none")
    assert Plan(TRUTH, frozen, World()).steps == 3
    assert Plan(TRUTH, trained, World()).steps == 2
    assert Plan(TRUTH, trained, World()).pictures == 10
    assert len(batches(Plan(TRUTH, trained, World()))) == 2


def test_balanced_sampling_draws_rare_classes_as_often_and_varies_what_it_repeats() -> None:
    plan = Plan(np.repeat([0, 1], [20, 380]), settings(balance="sampling", batch=50), World())
    drawn = [position for step in plan.epoch(1) for _, position in step]
    assert np.mean(np.array(drawn) < 20) == pytest.approx(0.5, abs=0.1)
    few = batches(Plan(TRUTH, settings(balance="sampling", batch=11), World()))[0]
    place = {position: place for place, position in enumerate(few.positions)}
    twice = next((p, q) for p, position in enumerate(few.positions) if (q := place[position]) != p)
    assert not torch.equal(few.frames[twice[0]], few.frames[twice[1]])


def test_class_weights_are_one_on_average() -> None:
    even, weighted = (Plan(TRUTH, settings(balance=name), World()).class_weights(2) for name in ("none", "weights"))
    assert even.tolist() == [1.0, 1.0]
    assert weighted[TRUTH].mean() == pytest.approx(1.0)
    assert weighted[0] / weighted[1] == pytest.approx(9 / 2)


def test_every_picture_is_judged_by_one_process() -> None:
    parts = World(0, 3).parts(5)
    assert [index for part in parts for index in part] == list(range(5))
