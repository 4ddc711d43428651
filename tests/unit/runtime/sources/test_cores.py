"""Turns at decoding: as many at a time as there are cores, and none is waited for that hangs."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from runtime.sources import cores
from runtime.sources.cores import on_a_core

PATIENCE_S = 10.0


@pytest.fixture(autouse=True)
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "_free", threading.BoundedSemaphore(2))


def test_no_more_decode_at_a_time_than_there_are_cores() -> None:
    inside, gate = threading.Semaphore(0), threading.Semaphore(0)
    at_once: list[int] = []
    counting, within = threading.Lock(), 0

    def decode() -> None:
        nonlocal within
        with on_a_core():
            with counting:
                within += 1
                at_once.append(within)
            inside.release()
            assert gate.acquire(timeout=PATIENCE_S)
            with counting:
                within -= 1

    with ThreadPoolExecutor(5) as threads:
        decoding = [threads.submit(decode) for _ in range(5)]
        for _ in range(5):
            assert inside.acquire(timeout=PATIENCE_S)
            gate.release()
        for each in decoding:
            each.result()
    assert max(at_once) <= 2


def test_one_that_hangs_holds_nobody_up_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "_LONGEST_S", 0.01)
    with on_a_core(), on_a_core():
        with on_a_core():
            pass
        # Nobody gives back what was not given.
        with on_a_core():
            pass
    with on_a_core(), on_a_core():
        pass


def test_a_turn_that_fails_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "_LONGEST_S", 60.0)
    for _ in range(3):
        with pytest.raises(ValueError, match="damaged"), on_a_core():
            raise ValueError("damaged")
