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
def _nothing_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_trials", {})


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


class Hanging:
    """A cuda driver that hangs until it is let go, and then decodes as the processor does; vaapi does at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pretend(monkeypatch, "vaapi", np.copy)
        self._decode = hardware._brightness
        self.asked, self.let_go = threading.Event(), threading.Event()
        monkeypatch.setattr(hardware, "_brightness", self._brightness)

    def _brightness(self, module: ModuleType, clip: bytes, handle: Any | None) -> Iterator[Any]:
        if handle == "cuda":
            self.asked.set()
            assert self.let_go.wait(60)
        return self._decode(module, clip, "vaapi" if handle == "cuda" else handle)


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    driver = Hanging(monkeypatch)
    yield driver
    driver.let_go.set()
    hardware._trials["cuda"].join()


def test_while_one_driver_hangs_another_is_tried(hanging: Hanging) -> None:
    assert av is not None
    with ThreadPoolExecutor(2) as cameras:
        waiting = cameras.submit(works, av, "cuda")
        assert hanging.asked.wait(20)
        other = cameras.submit(works, av, "vaapi")
        try:
            assert other.result(20)
            assert not waiting.done()
        finally:
            hanging.let_go.set()
        assert waiting.result(20)


def test_nobody_waits_for_ever_for_a_driver_that_hangs(hanging: Hanging, monkeypatch: pytest.MonkeyPatch) -> None:
    assert av is not None
    monkeypatch.setattr(hardware, "_PATIENCE_S", 0.0)
    with pytest.raises(ValueError, match="the cuda decoder does not answer; write decoder: cpu, or auto"):
        accelerator(av, "cuda")
    trial = hardware._trials["cuda"]
    monkeypatch.setattr(hardware, "_PATIENCE_S", 20.0)
    assert works(av, "vaapi")
    # It has hung for as long already: whoever comes now does not wait at all.
    monkeypatch.setattr(trial, "began_s", trial.began_s - 20.0)
    waited: list[float] = []
    with monkeypatch.context() as patched:
        patched.setattr(trial, "join", waited.append)
        assert accelerator(av, "auto") == "vaapi"
    assert waited == [0.0]
    # Nor is it tried a second time beside the first.
    monkeypatch.setattr(hardware, "_AGAIN_AFTER_S", 0.0)
    assert not works(av, "cuda")
    assert hardware._trials["cuda"] is trial


def test_a_driver_that_was_only_slow_counts(hanging: Hanging, monkeypatch: pytest.MonkeyPatch) -> None:
    assert av is not None
    monkeypatch.setattr(hardware, "_PATIENCE_S", 0.0)
    assert not works(av, "cuda")
    hanging.let_go.set()
    hardware._trials["cuda"].join()
    assert works(av, "cuda")


def test_a_device_that_was_not_ready_is_tried_again_after_a_while_and_one_that_works_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert av is not None
    pretend(monkeypatch, "vaapi", np.copy)
    assert not works(av, "cuda")
    pretend(monkeypatch, "cuda", np.copy)
    assert not works(av, "cuda")
    trial = hardware._trials["cuda"]
    monkeypatch.setattr(trial, "began_s", trial.began_s - hardware._AGAIN_AFTER_S)
    assert works(av, "cuda")
    trial = hardware._trials["cuda"]
    monkeypatch.setattr(trial, "began_s", trial.began_s - hardware._AGAIN_AFTER_S)
    assert works(av, "cuda")
    assert hardware._trials["cuda"] is trial


def test_a_camera_whose_decoder_is_not_here_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "qsv", np.copy)
    path = write(tmp_path / "clip.mp4", Video())
    with pytest.raises(Outage, match="no cuda decoder works here") as raised:
        open_packets(Address.parse(str(path)), 5.0, 5.0, decoder="cuda")
    assert raised.value.reason == "resources"
