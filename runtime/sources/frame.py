"""What every source gives: frames with their time; and the contract of a source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]


class Decoded(Protocol):
    """A frame as its decoder gives it (YUV): what is made of it costs time, and is paid for by who asks for it."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, in pixels."""

    @property
    def nbytes(self) -> int:
        """The memory that it holds, in bytes."""

    def grey(self, row_step: int, column_step: int) -> Image:
        """Every so many rows and columns of its brightness, uint8, 0 (black) to 255 (white): single pixels."""

    def scaled(self, height: int, width: int) -> Image:
        """Its picture, height x width x 3, uint8, BGR, writable: scaled on the way out of YUV."""


@dataclass(frozen=True)
class Frame:
    """One picture of a camera.

    `picture`: H x W x 3, uint8, BGR, or what that can be made of. `time_s`: seconds of the camera's own stream, only
    growing: of a file its timestamps, of a live camera since the watch of it began. `index`: of the frame in the stream
    from 0, those that nobody wanted counted too. `captured_s`: when it was captured, on time.monotonic(), as far as can
    be known; of a file, when it was decoded. `camera`: whose it is.
    """

    picture: Image | Decoded
    time_s: float
    index: int
    captured_s: float = 0.0
    camera: str = ""

    @cached_property
    def image(self) -> Image:
        """H x W x 3, uint8, BGR. Of a decoded frame it is made when it is first asked for."""
        return self.picture if isinstance(self.picture, np.ndarray) else self.picture.scaled(*self.shape)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, in pixels."""
        return self.picture.shape[0], self.picture.shape[1]

    @property
    def nbytes(self) -> int:
        """The memory of its picture, in bytes."""
        return self.picture.nbytes

    def fitted(self, width: int) -> Image:
        """Its picture, BGR, in its size or scaled down to `width` pixels; not to be written to."""
        height, own = self.shape
        if own <= width:
            return self.image
        height = max(1, round(height * width / own))
        if isinstance(self.picture, np.ndarray):
            return np.asarray(cv2.resize(self.picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        return self.picture.scaled(height, width)


class EveryFrame:
    """What a source is like that decodes every frame that comes: see Source."""

    skip_s = 0.0
    at_hand = True
    key_period_s = 0.0
    demux_cpu_s = 0.0
    decoder = ""


class Source(Protocol):
    """An open camera, stream, file or folder. One thread uses it, from opening to closing.

    Opening may block for the time-out it was given, and raises Outage. So does `grab` when a live source stops.

    `skip_s`: for so many seconds after a key frame those that need it to be decoded may be passed over; 0 for none. May
    be set before each `grab`; sources that decode every frame take no notice.
    """

    skip_s: float

    @property
    def name(self) -> str:
        """How to call it where people read: never with a password."""

    @property
    def fps(self) -> float:
        """Frames a second, as the source states them (a guess where it does not)."""

    @property
    def live(self) -> bool:
        """Whether its frames are of now and must not wait; a file's may be of any day, and none is ever dropped."""

    @property
    def demux_cpu_s(self) -> float:
        """The processor's time, in seconds, that finding frames in the stream took; 0 where decoding does it."""

    @property
    def decoder(self) -> str:
        """What decodes, once a frame was: cpu, or a device (hardware.DEVICES); empty where there is no choice."""

    @property
    def at_hand(self) -> bool:
        """Whether `retrieve` can give the frame that was grabbed last, and it was not passed over."""

    @property
    def key_period_s(self) -> float:
        """Seconds between the frames that are at hand, while others are passed over; 0 while none is."""

    def grab(self) -> float | None:
        """Go to the next frame without making a picture of it; None at the end (of files and folders only).

        Gives its time: of a live source when it was captured, in seconds of time.monotonic(), less what it waited in
        buffers before it reached us; of others its place in seconds of the file. Raises Outage.
        """

    def retrieve(self) -> Image | Decoded | None:
        """The frame that was grabbed last, as H x W x 3, uint8, BGR, or decoded; None when it cannot be decoded."""

    def close(self) -> None:
        """Let go of the camera. May be called twice."""


class PictureSource(Source, Protocol):
    """A source that gives pictures, and nothing that has still to be made one."""

    def retrieve(self) -> Image | None:
        """The picture of the frame that was grabbed last, H x W x 3, uint8, BGR; None when it cannot be decoded."""
