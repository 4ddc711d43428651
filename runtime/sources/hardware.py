"""Hardware that decodes video: tried on a clip of our own before a camera relies on it."""

from __future__ import annotations

import io
import threading
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
_TRYING = threading.Lock()


def accelerator(av: ModuleType, decoder: Decoder) -> Any | None:
    """PyAV's HWAccel for a stream to be opened; None where the processor decodes. Raises ValueError: not here."""
    if decoder == "cpu":
        return None
    found = next((name for name in DEVICES if decoder in ("auto", name) and works(av, name)), None)
    if found is None and decoder != "auto":
        raise ValueError(f"no {decoder} decoder works here; write decoder: cpu, or auto")
    # Not every camera's codec is one that the device knows.
    return None if found is None else _handle(found, fallback=decoder == "auto")


def works(av: ModuleType, device: str) -> bool:
    """Whether a device decodes H.264 here, to the same pixels as the processor. Tried once; any thread may ask."""
    # Cameras start together: the first one tries the device, and the others wait for what it finds.
    with _TRYING:
        return _tried(av, device)


@cache
def _tried(av: ModuleType, device: str) -> bool:
    # A driver that is not there shows in any kind of error.
    with suppress(Exception):
        clip = _clip(av)
        expected = list(_brightness(av, clip, None))
        found = list(_brightness(av, clip, _handle(device)))
        return len(found) == len(expected) > 0 and all(map(np.array_equal, found, expected))
    return False


def _handle(device: str, fallback: bool = False) -> Any:
    from av.codec.hwaccel import HWAccel

    return HWAccel(device, allow_software_fallback=fallback)


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
