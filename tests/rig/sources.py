"""What tests of sources ask again and again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from runtime.cameras.reader import Open
from runtime.sources import open_packets, open_source
from runtime.sources.address import Address
from runtime.sources.frame import Image, Source
from runtime.sources.outage import Outage

# Both sources of network streams: what is expected of one is expected of the other.
OPENERS: dict[str, Open] = {"OpenCV": open_source, "PyAV": open_packets}


@contextmanager
def opened(
    url: str, open_timeout_s: float = 8.0, read_timeout_s: float = 5.0, by: Open = open_source
) -> Iterator[Source]:
    """A source, closed at the end."""
    source = by(Address.parse(url), open_timeout_s, read_timeout_s)
    try:
        yield source
    finally:
        source.close()


def outage_at_opening(url: str, open_timeout_s: float = 8.0, by: Open = open_source) -> Outage:
    """Why the source does not open; it must not, and must say so in one line."""
    with pytest.raises(Outage) as caught, opened(url, open_timeout_s, by=by):
        pass
    assert "\n" not in str(caught.value)
    return caught.value


def outage_within(source: Source, frames: int) -> Outage:
    """Why it stops before it has given so many frames; it must."""
    with pytest.raises(Outage) as caught:
        for _ in range(frames):
            source.grab()
    assert "\n" not in str(caught.value)
    return caught.value


def pictured(source: Source) -> Image | None:
    """The picture of the frame that was grabbed last, in its own size; None when it cannot be decoded."""
    picture = source.retrieve()
    return picture if picture is None or isinstance(picture, np.ndarray) else picture.scaled(*picture.shape)


def picture(source: Source, after: int = 1) -> Image:
    """A picture that can be decoded, at the earliest `after` frames on."""
    for number in range(after + 100):
        assert source.grab() is not None
        if number + 1 >= after and (image := pictured(source)) is not None:
            return image
    raise AssertionError("no picture can be decoded")
