"""kill -9 of the stream at random moments: after a restart everybody is told of all events, of each by one id."""

from __future__ import annotations

from pathlib import Path

from tests.rig.kills import Ear, alarming, check_nothing_was_lost, drain, kill, pending

_KILLS = 10


def test_no_event_is_lost_when_the_stream_is_killed(tmp_path: Path) -> None:
    with Ear(seed=7) as ear, alarming(tmp_path, ear) as stream:
        for seed in range(_KILLS):
            kill(stream, seed)
        drain(stream)
    assert pending(tmp_path) == 0
    assert check_nothing_was_lost(tmp_path, ear) >= _KILLS / 2
