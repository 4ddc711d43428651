"""Watching by packets for a long time: nothing is left behind by opening, closing, switching and failing."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.sources import open_packets
from runtime.sources.address import Address
from runtime.sources.frame import Source
from runtime.sources.outage import Outage
from tests.unit.runtime.sources.videos import Video, write, x264

# One frame of the clip is 0.35 MB: a leak of one each time would be many times this.
MOST_BYTES = 24_000_000
_STATUS = Path("/proc/self/statm")

pytestmark = pytest.mark.skipif(not _STATUS.exists(), reason="memory is read from /proc, which this system lacks")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Address:
    video = Video(width=640, height=360, frames=30, gop=10, b_frames=2, options=x264())
    return Address.parse(str(write(tmp_path_factory.mktemp("clips") / "clip", video)))


def resident_bytes() -> int:
    gc.collect()
    return int(_STATUS.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def grows(act: Callable[[], None], times: int) -> int:
    """By how much memory grows in so many turns, once it has been done a few times."""
    for _ in range(max(3, times // 10)):
        act()
    before = resident_bytes()
    for _ in range(times):
        act()
    return resident_bytes() - before


def opened(address: Address) -> Source:
    return open_packets(address, 8.0, 5.0)


def test_sources_that_are_opened_and_closed_leave_nothing(clip: Address) -> None:
    before = descriptors()

    def act() -> None:
        source = opened(clip)
        source.skip_s = 10.0
        # Closed in the middle of a group, with a frame at hand and packets kept.
        for _ in range(13):
            source.grab()
            if (decoded := source.retrieve()) is not None:
                decoded.scaled(96, 160)
        source.close()

    assert grows(act, 200) < MOST_BYTES
    assert descriptors() == before


def test_switching_between_all_frames_and_key_frames_leaves_nothing(clip: Address) -> None:
    source = opened(clip)

    def act() -> None:
        nonlocal source
        source.skip_s = 0.0 if source.skip_s else 10.0
        for _ in range(3):
            if source.grab() is None:
                source.close()
                source = opened(clip)
            elif source.at_hand:
                source.retrieve()

    assert grows(act, 2000) < MOST_BYTES
    source.close()


def test_files_that_do_not_open_leave_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video" * 1000)

    def act() -> None:
        with pytest.raises(Outage):
            opened(Address.parse(str(broken)))

    assert grows(act, 200) < MOST_BYTES
