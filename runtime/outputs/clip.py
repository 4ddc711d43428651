"""The annotated clip: H.264 through PyAV, else MPEG-4 through OpenCV; whole at the end or not there."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import cv2
import numpy as np

from edge_resnet import files
from edge_resnet.errors import UserError
from runtime.outputs.output import Output
from runtime.sources.frame import Image
from runtime.sources.packets import pyav

# Visually clean, and fast enough beside a live stream on two cores.
_X264 = {"preset": "veryfast", "crf": "23"}
_TICKS_PER_S = 1000
# A clip of constant rate repeats the picture over a gap in the stream, but not for longer than this.
_MAX_GAP_S = 10.0


class Encoder(Protocol):
    """Writes pictures of one size into a video file."""

    def write(self, image: Image, time_s: float) -> None:
        """Add a picture, `time_s` seconds after the clip's start; times grow."""

    def close(self) -> None:
        """Finish the file."""


class H264:
    """H.264 with the frames' own times."""

    def __init__(self, av: ModuleType, path: Path, width: int, height: int, fps: float) -> None:
        self._av = av
        self._container: Any = av.open(str(path), "w", format="mp4")
        self._stream: Any = self._container.add_stream("libx264", rate=Fraction(round(fps * 1000), 1000), options=_X264)
        self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, _TICKS_PER_S)
        self._last_tick = -1

    def write(self, image: Image, time_s: float) -> None:
        tick = round(time_s * _TICKS_PER_S)
        if tick <= self._last_tick:
            return
        self._last_tick = tick
        frame = self._av.VideoFrame.from_ndarray(image, format="bgr24")
        frame.pts, frame.time_base = tick, Fraction(1, _TICKS_PER_S)
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        try:
            self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()


class Mpeg4:
    """MPEG-4 part 2 at a constant rate, which is what every build of OpenCV can write."""

    def __init__(self, path: Path, width: int, height: int, fps: float) -> None:
        self._fps = fps
        self._path = path
        self._written = 0
        self._writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, (width, height))
        if not self._writer.isOpened():
            raise UserError(f"{path.parent}: OpenCV cannot write a video here; pip install 'edge-resnet[video]'")

    def write(self, image: Image, time_s: float) -> None:
        due = round(time_s * self._fps) + 1
        # Frames come at their own times; repeated or left out, they stay in step with the clock.
        self._written = max(self._written, due - round(_MAX_GAP_S * self._fps))
        while self._written < due:
            self._writer.write(image)
            self._written += 1

    def close(self) -> None:
        self._writer.release()
        # OpenCV tells nobody that a write failed, so look whether there is a clip.
        if not cv2.VideoCapture(str(self._path)).isOpened():
            raise OSError(errno.EIO, "OpenCV wrote a broken file; is there space on the disk?")


class Clip(Output):
    """Saves the annotated pictures to `path`, which appears (or is replaced) when the stream is over."""

    def __init__(self, path: Path, fps: float, say: Callable[[str], None]) -> None:
        """`fps`: of the source. Raises UserError for a name that is no .mp4."""
        check_name(path)
        self._path, self._fps, self._say = path, fps, say
        self._stack = ExitStack()
        self._encoder: Encoder | None = None
        self._size = (0, 0)
        self._start_s = 0.0

    def picture(self, image: Image, time_s: float) -> None:
        if self._encoder is None:
            # H.264 halves the colours' resolution, so both sides have to be even.
            self._size = (image.shape[1] // 2 * 2, image.shape[0] // 2 * 2)
            self._start_s = time_s
            self._encoder = self._open(self._stack.enter_context(files.whole_file(self._path)))
        if image.shape[1::-1] != self._size:
            # Also when a camera changes its resolution in the middle of the stream.
            image = np.asarray(cv2.resize(image, self._size, interpolation=cv2.INTER_AREA), np.uint8)
        with self._told():
            self._encoder.write(image, time_s - self._start_s)

    def close(self) -> None:
        encoder, self._encoder = self._encoder, None
        with self._stack:
            if encoder is not None:
                with self._told():
                    encoder.close()
                self._say(f"clip: {self._path}")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn a failure to write into one line; the half clip is removed, nothing more can be written to it."""
        try:
            yield
        except OSError as error:
            encoder, self._encoder = self._encoder, None
            with self._stack:
                if encoder is not None:
                    with suppress(OSError):
                        encoder.close()
                raise UserError(f"{self._path}: the clip cannot be written ({error.strerror or error})") from error

    def _open(self, path: Path) -> Encoder:
        width, height = self._size
        av = _pyav()
        if av is not None:
            return H264(av, path, width, height, self._fps)
        self._say(
            "clip: PyAV is not installed, so it is MPEG-4 (mp4v), which browsers do not play; "
            "pip install 'edge-resnet[video]' for H.264"
        )
        return Mpeg4(path, width, height, self._fps)


def check_name(path: Path) -> None:
    """Raise UserError unless `path` names an .mp4 file."""
    if path.suffix.lower() != ".mp4" or path.is_dir():
        raise UserError(f"{path}: a clip is written as MP4; name a file that ends in .mp4")


def _pyav() -> ModuleType | None:
    """PyAV, where it is installed with an H.264 encoder."""
    av = pyav()
    return av if av is not None and "libx264" in av.codecs_available else None
