"""A real camera of this machine, where there is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.sources import open_source
from runtime.sources.address import Address
from runtime.sources.outage import Outage

DEVICES = sorted(path.name.removeprefix("video") for path in Path("/dev").glob("video*"))


@pytest.mark.skipif(not DEVICES, reason="no /dev/video* on this machine")
def test_it_gives_pictures_whose_times_grow() -> None:
    # Many cameras have a second device that gives no pictures: the first that opens counts.
    for number in DEVICES:
        try:
            source = open_source(Address.parse(number))
        except Outage as outage:
            why = str(outage)
            continue
        times_s = [source.grab() or 0.0 for _ in range(10)]
        image = source.retrieve()
        source.close()
        assert times_s == sorted(set(times_s))
        assert image is not None
        assert image.ndim == 3
        return
    pytest.skip(why)
