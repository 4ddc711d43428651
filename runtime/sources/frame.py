"""What every source gives: frames with their time; and the contract of a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Frame:
    """One picture of a camera.

    `image`: H x W x 3, uint8, BGR. `time_s`: seconds of the camera's own stream, only growing: of a file its
    timestamps, of a live camera since the watch of it began. `index`: of the frame in the stream from 0, those that
    nobody wanted counted too. `captured_s`: when it was captured, on time.monotonic(), as far as can be known; of a
    file, when it was decoded. `camera`: whose it is.
    """

    image: Image
    time_s: float
    index: int
    captured_s: float = 0.0
    camera: str = ""


class Source(Protocol):
    """An open camera, stream, file or folder. One thread uses it, from opening to closing.

    Opening may block for the time-out it was given, and raises Outage. So does `grab` when a live source stops.
    """

    @property
    def name(self) -> str:
        """How to call it where people read: never with a password."""

    @property
    def fps(self) -> float:
        """Frames a second, as the source states them (a guess where it does not)."""

    @property
    def live(self) -> bool:
        """Whether its frames are of now and must not wait; a file's may be of any day, and none is ever dropped."""

    def grab(self) -> float | None:
        """Go to the next frame without making a picture of it; None at the end (of files and folders only).

        Gives its time: of a live source when it was captured, in seconds of time.monotonic(), less what it waited in
        buffers before it reached us; of others its place in seconds of the file. Raises Outage.
        """

    def retrieve(self) -> Image | None:
        """The picture of the frame that was grabbed last, H x W x 3, uint8, BGR; None when it cannot be decoded."""

    def close(self) -> None:
        """Let go of the camera. May be called twice."""
