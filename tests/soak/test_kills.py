"""As tests/faults/test_killed_streams.py, forty times more."""

from __future__ import annotations

from pathlib import Path

from tests.rig.kills import Ear, alarming, check_nothing_was_lost, drain, kill, pending

_KILLS = 40


def test_no_event_is_lost_when_the_stream_is_killed_again_and_again(tmp_path: Path) -> None:
    with Ear(seed=11) as ear, alarming(tmp_path, ear) as stream:
        for seed in range(100, 100 + _KILLS):
            kill(stream, seed)
        drain(stream)
    assert pending(tmp_path) == 0
    assert check_nothing_was_lost(tmp_path, ear) >= _KILLS / 2
