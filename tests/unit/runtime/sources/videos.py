"""Videos as cameras and phones make them, encoded by PyAV on the spot: each codec, group and timestamp; and served."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from runtime.sources.address import Address
from runtime.sources.frame import Image

FPS = 25
_TICKS = 90_000
_FULL_RANGE = 2


def drawn(number: int, width: int, height: int) -> Image:
    """Frame `number`: a scene that moves, with grain, so that no two frames are the same; RGB."""
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([(columns + 5 * number) % 256, (2 * rows + 3 * number) % 256, (rows + columns) % 256], axis=2)
    grain = np.random.default_rng(number).integers(-6, 7, (height, width, 1))
    image = np.clip(image + grain, 0, 255).astype(np.uint8)
    top = (7 * number) % max(1, height - 20)
    image[top : top + 20, 10:40] = (255, 60 + number % 100, 20)
    return image


@dataclass(frozen=True)
class Video:
    """What is encoded. `suffix` names the container; `options` are the encoder's; `times_s`: None for 25 a second.

    `turned`: how many degrees to the left a player has to turn it. `draw`: a frame by number, width and height, in RGB.
    """

    suffix: str = ".mp4"
    codec: str = "libx264"
    pixels: str = "yuv420p"
    width: int = 160
    height: int = 96
    frames: int = 50
    gop: int = 10
    b_frames: int = 0
    options: Mapping[str, str] = field(default_factory=lambda: {"preset": "veryfast"})
    times_s: Sequence[float] | None = None
    full_range: bool = False
    matrix: int = 2
    turned: int = 0
    draw: Callable[[int, int, int], Image] = drawn


def x264(**parameters: int) -> Mapping[str, str]:
    """Options of a fast encoder; key frames only where the group of pictures ends."""
    told = ":".join(f"{name.replace('_', '-')}={value}" for name, value in {"scenecut": 0, **parameters}.items())
    return {"preset": "veryfast", "x264-params": told}


def x265(**parameters: int) -> Mapping[str, str]:
    """The same of H.265, on one thread and silent."""
    given = {"pools": 1, "frame_threads": 1, "scenecut": 0, "bframes": 0, **parameters}
    told = ":".join(f"{name.replace('_', '-')}={value}" for name, value in given.items())
    return {"preset": "ultrafast", "x265-params": f"log-level=none:{told}"}


def write(path: Path, video: Video) -> Path:
    """Encode it into a file at `path`, whose suffix is the video's; returns the whole path."""
    path = path.with_suffix(video.suffix)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(video.codec, rate=FPS)
        context = stream.codec_context
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, video.pixels
        context.gop_size, context.max_b_frames, context.thread_count = video.gop, video.b_frames, 1
        context.time_base = Fraction(1, FPS if video.times_s is None else _TICKS)
        context.options = dict(video.options)
        context.colorspace = video.matrix
        if video.full_range:
            context.color_range = _FULL_RANGE
        if video.turned:
            stream.set_display_rotation(video.turned)
        for number in range(video.frames):
            frame = av.VideoFrame.from_ndarray(video.draw(number, video.width, video.height), format="rgb24")
            frame = frame.reformat(format=video.pixels, dst_color_range=_FULL_RANGE if video.full_range else None)
            frame.pts = number if video.times_s is None else round(video.times_s[number] * _TICKS)
            frame.time_base = context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def key_times_s(path: Path) -> list[float]:
    """When the key frames are shown, by what the container says."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        start = stream.start_time or 0
        return [
            float((packet.pts - start) * stream.time_base)
            for packet in container.demux(stream)
            if packet.size and packet.is_keyframe
        ]


@contextmanager
def served(path: Path) -> Iterator[Address]:
    """The bytes of a file to whoever connects first; then the connection is closed."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            # Who has seen enough leaves before the end.
            with connection, suppress(ConnectionError):
                connection.sendall(path.read_bytes())

        thread = threading.Thread(target=serve)
        thread.start()
        yield Address.parse(f"tcp://127.0.0.1:{listening.getsockname()[1]}")
        thread.join(10)
