"""How a camera's settings become its channel: here, who is given its packets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runtime.events.store import EventStore
from runtime.sources.address import Address
from runtime.sources.feed import Taker
from runtime.sources.frame import Source
from runtime.sources.hardware import Decoder
from tests.unit.runtime.feed import Frames, Room

MASK = ((0.0, 0.0), (0.25, 0.0), (0.25, 0.5))


@pytest.mark.parametrize(("masks", "fed"), [((), True), ((MASK,), False)])
def test_packets_of_a_camera_with_masks_go_to_nobody_though_somebody_listens_yet(
    tmp_path: Path, masks: tuple[Any, ...], fed: bool
) -> None:
    takers: list[Taker] = []

    def open_packets(address: Address, open_s: float, read_s: float, taker: Taker, decoder: Decoder) -> Source:
        takers.append(taker)
        return Frames([], live=True)

    with EventStore(tmp_path / "events.sqlite") as store:
        room = Room(store, {"yard": Frames([], live=True)}, attention="ladder", masks=masks)
        room.assembly.open_packets = open_packets
        feed = room.assembly.feeds.of("yard")
        # Of before the masks, and one that hung then may come back.
        before = feed.connection()
        feed.listen(lambda packet, header: None)
        room.assembly.channel("yard").camera.open(Address.parse("rtsp://fed/yard"), 5.0, 5.0)
        (taker,) = takers
        assert ((taker() is not None), before()) == (fed, None)
