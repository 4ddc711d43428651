"""Hardware that decodes video: tried on a clip of our own before a camera relies on it."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from types import ModuleType
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

# `cpu`: no hardware. `auto`: what is found to work, else the processor. The others as FFmpeg calls them: NVIDIA, Intel,
# Linux' own interface, Apple.
Decoder = Literal["cpu", "auto", "cuda", "qsv", "vaapi", "videotoolbox"]
DEVICES: tuple[str, ...] = tuple(name for name in get_args(Decoder) if name not in ("cpu", "auto"))

# NVIDIA's decoders take nothing smaller than 145 pixels wide.
_SIDE, _FRAMES = 256, 6
# The first to use a GPU may wait some seconds for it. A trial that takes longer hangs in its driver.
_PATIENCE_S = 10.0
# A device that does not work may be one that is not there yet, as after a start of the box.
_AGAIN_AFTER_S = 60.0


def accelerator(av: ModuleType, decoder: Decoder) -> Any | None:
    """PyAV's HWAccel for a stream to be opened; None where the processor decodes. Raises ValueError: not here.

    Blocks while a device is tried, but for each that hangs only once and for `_PATIENCE_S`.
    """
    if decoder == "cpu":
        return None
    if decoder == "auto":
        found = next((name for name in DEVICES if works(av, name)), None)
        # Not every camera's codec is one that the device knows.
        return None if found is None else _handle(found, fallback=True)
    trial = _tried(av, decoder)
    if not trial.works:
        why = f"the {decoder} decoder does not answer" if trial.is_alive() else f"no {decoder} decoder works here"
        raise ValueError(f"{why}; write decoder: cpu, or auto")
    return _handle(decoder)


def works(av: ModuleType, device: str) -> bool:
    """Whether a device decodes H.264 here, to the same pixels as the processor. Any thread may ask.

    A yes holds; after a no it is tried again when somebody asks `_AGAIN_AFTER_S` later.
    """
    return _tried(av, device).works


class _Trial(threading.Thread):
    """One trial of one device, on a thread of its own: a driver that hangs takes no other with it."""

    def __init__(self, av: ModuleType, device: str) -> None:
        super().__init__(name=f"trial of {device}", daemon=True)
        self._av, self._device = av, device
        self.began_s, self.works = time.monotonic(), False

    @property
    def is_outdated(self) -> bool:
        """Whether it found nothing, and that long ago. While it hangs, another would hang beside it."""
        return not self.is_alive() and not self.works and time.monotonic() >= self.began_s + _AGAIN_AFTER_S

    def run(self) -> None:
        # A driver that is not there shows in any kind of error.
        with suppress(Exception):
            clip = _clip(self._av)
            expected = list(_brightness(self._av, clip, None))
            found = list(_brightness(self._av, clip, _handle(self._device)))
            self.works = len(found) == len(expected) > 0 and all(map(np.array_equal, found, expected))


# The latest trial of each device. The lock is never held while one goes on.
_trials: dict[str, _Trial] = {}
_lock = threading.Lock()


def _tried(av: ModuleType, device: str) -> _Trial:
    """The latest trial of a device, once it has ended or taken too long."""
    # Cameras start together: the first one has the device tried, and the others wait for what is found.
    with _lock:
        trial = _trials.get(device)
        if trial is None or trial.is_outdated:
            trial = _Trial(av, device)
            trial.start()
            _trials[device] = trial
    trial.join(max(0.0, trial.began_s + _PATIENCE_S - time.monotonic()))
    return trial


def _handle(device: str, fallback: bool = False) -> Any:
    from av.codec.hwaccel import HWAccel

    return HWAccel(device, allow_software_fallback=fallback)


@cache
def _clip(av: ModuleType) -> bytes:
    """Some frames in which something moves, in an MP4."""
    written = io.BytesIO()
    with av.open(written, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = _SIDE
        stream.pix_fmt = "yuv420p"
        ramp = np.add.outer(np.arange(_SIDE), np.arange(_SIDE))
        for number in range(_FRAMES):
            plane = (ramp + 9 * number).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(np.dstack((plane, plane.T, 255 - plane)), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return written.getvalue()


def _brightness(av: ModuleType, clip: bytes, handle: Any | None) -> Iterator[npt.NDArray[np.uint8]]:
    with av.open(io.BytesIO(clip), hwaccel=handle) as container:
        for frame in container.decode(video=0):
            plane = frame.planes[0]
            yield np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:, : plane.width].copy()
