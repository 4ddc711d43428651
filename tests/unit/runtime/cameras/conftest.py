"""Cameras that end with their test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from runtime.pace import Pace
from runtime.sources.address import Address
from runtime.sources.outage import Outage
from tests.unit.runtime.cameras.fed import LIVE, Rig


@pytest.fixture
def rig() -> Iterator[Callable[..., Rig]]:
    rigs: list[Rig] = []

    def make(
        address: Address = LIVE, looks: Pace | None = None, pictures: Pace | None = None, by_answers: bool = False
    ) -> Rig:
        rigs.append(Rig(address, looks or Pace(100.0), pictures, by_answers))
        return rigs[-1]

    yield make
    for each in rigs:
        each.camera.stop()
        each.sources.put(Outage("yard", "gone", "the test is over"))
