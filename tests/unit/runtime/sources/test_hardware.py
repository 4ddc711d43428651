"""Decoding hardware: believed only where it was seen to give the processor's pixels, refused by name where not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from runtime.sources import hardware, open_packets
from runtime.sources.address import Address
from runtime.sources.hardware import accelerator, works
from runtime.sources.outage import Outage
from runtime.sources.packets import pyav
from tests.unit.runtime.sources.videos import Video, write

av = pyav()
pytestmark = pytest.mark.skipif(av is None, reason="no PyAV here: pip install 'edge-resnet[video]'")


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    hardware._tried.cache_clear()
    yield
    hardware._tried.cache_clear()


def pretend(monkeypatch: pytest.MonkeyPatch, device: str, change: Callable[[Any], Any]) -> None:
    """A `device` that decodes as the processor does, but for `change`."""
    decode = hardware._brightness

    def brightness(module: ModuleType, clip: bytes, handle: Any | None) -> Iterator[Any]:
        if handle not in (None, device):
            raise OSError("no such device")
        for plane in decode(module, clip, None):
            yield plane if handle is None else change(plane)

    monkeypatch.setattr(hardware, "_brightness", brightness)
    monkeypatch.setattr(hardware, "_handle", lambda name, fallback=False: name)


def test_a_device_that_gives_the_same_pixels_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "qsv", np.copy)
    assert av is not None
    assert accelerator(av, "auto") == accelerator(av, "qsv") == "qsv"
    assert accelerator(av, "cpu") is None


def test_a_device_that_gives_other_pixels_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "qsv", lambda plane: plane + 1)
    assert av is not None
    assert accelerator(av, "auto") is None
    with pytest.raises(ValueError, match="no qsv decoder works here; write decoder: cpu, or auto"):
        accelerator(av, "qsv")


def test_cameras_that_start_together_try_a_device_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "qsv", np.copy)
    clip, tried, together = hardware._clip, [], threading.Barrier(2)

    def slow(module: ModuleType) -> bytes:
        tried.append(module)
        # Until another one tries it as well, which must not be.
        with suppress(threading.BrokenBarrierError):
            together.wait(timeout=0.1)
        return clip(module)

    monkeypatch.setattr(hardware, "_clip", slow)
    assert av is not None
    with ThreadPoolExecutor(4) as cameras:
        assert list(cameras.map(works, [av] * 4, ["qsv"] * 4)) == [True] * 4
    assert len(tried) == 1


def test_a_camera_whose_decoder_is_not_here_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "qsv", np.copy)
    path = write(tmp_path / "clip.mp4", Video())
    with pytest.raises(Outage, match="no cuda decoder works here") as raised:
        open_packets(Address.parse(str(path)), 5.0, 5.0, decoder="cuda")
    assert raised.value.reason == "resources"
