"""A shot: a frame made ready for everything that will look at it, on the thread that decoded it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edge_resnet.preprocess import Preprocess
from runtime.cameras.mask import Mask
from runtime.cameras.measure import Seen, measure
from runtime.sources.frame import Decoded, Frame, Image


class Undecodable(Exception):
    """A decoded frame of which no picture can be made."""


@dataclass(frozen=True)
class Shot:
    """A frame with its masks blanked. `due`: for a look; else it is only for people's eyes, and the rest is None.

    Whoever asks for a picture of the frame may be the first for whom it is made, and meet Undecodable.

    `seen`: what was measured of it. `input`: the network's, height x width x 3, uint8, BGR.
    """

    frame: Frame
    seen: Seen | None = None
    input: npt.NDArray[np.uint8] | None = None

    @property
    def due(self) -> bool:
        return self.input is not None


@dataclass(frozen=True)
class _Guarded:
    """A decoded frame of which every picture that is made has its masks blanked. Raises Undecodable."""

    decoded: Decoded
    mask: Mask

    @property
    def shape(self) -> tuple[int, int]:
        return self.decoded.shape

    @property
    def nbytes(self) -> int:
        return self.decoded.nbytes

    def grey(self, row_step: int, column_step: int) -> Image:
        with _undecodable():
            return self.decoded.grey(row_step, column_step)

    def scaled(self, height: int, width: int) -> Image:
        with _undecodable():
            image = self.decoded.scaled(height, width)
        self.mask.blank(image)
        return image


@dataclass(frozen=True)
class Maker:
    """Makes shots. Decoding threads do it, so that resizing and measuring use all cores and not the main thread's."""

    mask: Mask
    preprocess: Preprocess

    def make(self, frame: Frame, due: bool) -> Shot:
        """Blank the masked parts of `frame` for good, before anybody sees them; measure and resize what is due.

        It is measured first: a mask would look like a black camera, and its edge like a sharp one. Raises Undecodable.
        """
        if not isinstance(frame.picture, np.ndarray):
            frame = replace(frame, picture=_Guarded(frame.picture, self.mask))
        seen = measure(frame.picture) if due else None
        if isinstance(frame.picture, np.ndarray):
            self.mask.blank(frame.picture)
        return Shot(frame, seen, input_of(frame.picture, self.preprocess) if due else None)


def input_of(picture: Image | Decoded, preprocess: Preprocess) -> Image:
    """The network's input, height x width x 3, uint8, BGR, of a frame; a decoded one is scaled before it is BGR."""
    if isinstance(picture, np.ndarray):
        return preprocess(picture)
    return preprocess(picture.scaled(*preprocess.enough(*picture.shape)))


@contextmanager
def _undecodable() -> Iterator[None]:
    """Make one error of all that a decoder's library raises: its own classes have no base that everybody can name."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise Undecodable(f"no picture can be made of it ({type(error).__name__})") from error
