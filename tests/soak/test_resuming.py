"""Training that is killed in its first epoch and in its second: it goes on to the same weights, byte for byte."""

from __future__ import annotations

import pytest

from edge_resnet.command import Exit
from tests.commands import edge_resnet


def test_a_training_that_is_killed_twice_goes_on_to_the_same_weights(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = edge_resnet(capsys, "finetune", "--self-test", "--json")
    assert outcome.code == Exit.FINE, outcome.err
    assert outcome.answer["straight"] == outcome.answer["resumed"]
    assert len(outcome.answer["killed_at"]) == 2
