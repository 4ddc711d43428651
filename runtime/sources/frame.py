"""What every source gives: frames with their time; and the contract of a source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

# Whether a frame at this time (seconds) is worth turning into a picture. Pure: any thread may ask, and again.
Wanted = Callable[[float], bool]


@dataclass(frozen=True)
class Frame:
    """One picture of a camera.

    `image`: H x W x 3, uint8, BGR. `time_s`: seconds since the stream began; it only grows. `index`: of the frame in
    the stream from 0, those that nobody wanted counted too.
    """

    image: npt.NDArray[np.uint8]
    time_s: float
    index: int


class Source(Protocol):
    """An open camera, stream or file, to be used as a context manager by whoever opened it."""

    @property
    def name(self) -> str:
        """How to call it where people read: never with a password."""

    @property
    def fps(self) -> float:
        """Frames a second, as the source states them (a guess where it does not)."""

    @property
    def live(self) -> bool:
        """Whether its frames are of now; a file's may be of any day."""

    @property
    def seen(self) -> int:
        """Frames that came so far."""

    @property
    def seen_s(self) -> float:
        """The time of the last frame that came, in seconds of the stream."""

    @property
    def dropped(self) -> int:
        """Frames that were wanted and lost, because newer ones came before anybody took them."""

    def frames(self, wanted: Wanted) -> Iterator[Frame]:
        """The frames that are wanted, in order, until the end. Raises CameraError when a live source fails."""

    def interrupt(self) -> None:
        """Make `frames` end soon; may be called from a signal handler or another thread."""

    def close(self) -> None:
        """Let go of the camera. May be called twice."""
