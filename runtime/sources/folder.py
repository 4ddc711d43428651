"""A folder of pictures as if it were a film: in natural name order, five a second."""

from __future__ import annotations

import re
from pathlib import Path

from edge_resnet.errors import PictureError
from edge_resnet.pictures import find_pictures, read_picture
from runtime.sources.address import Address
from runtime.sources.frame import EveryFrame, Image
from runtime.sources.outage import Outage

# As many as are looked at by default, so that each picture gets one look.
FPS = 5.0

_DIGITS = re.compile(r"([0-9]+)")


class FolderSource(EveryFrame):
    """The pictures of a folder and those below it. A broken one keeps its place in time, and is counted in `broken`."""

    live = False
    fps = FPS

    def __init__(self, address: Address) -> None:
        """List the folder. Raises Outage when it has no picture."""
        self.name = address.name
        self.broken = 0
        folder = Path(address.target)
        try:
            self._pictures = sorted(find_pictures(folder), key=lambda path: natural(str(path.relative_to(folder))))
        except OSError as error:
            raise Outage(self.name, "not_found", f"cannot be listed ({error.strerror}); name another folder") from error
        if not self._pictures:
            raise Outage(self.name, "not_found", "no picture in this folder; name one with JPEG, PNG or similar files")
        self._index = -1

    def grab(self) -> float | None:
        """Go to the next picture: its index / 5, in seconds; None after the last."""
        if self._index + 1 >= len(self._pictures):
            return None
        self._index += 1
        return self._index / FPS

    def retrieve(self) -> Image | None:
        """The picture, or None when it is broken (or was taken away since)."""
        try:
            return read_picture(self._pictures[self._index])
        except PictureError:
            self.broken += 1
            return None

    def close(self) -> None:
        """Nothing is held open."""


def natural(name: str) -> tuple[tuple[bool, int, str], ...]:
    """A key that sorts names as people do: frame2 before frame10."""
    parts = [part for part in _DIGITS.split(name.casefold()) if part]
    return tuple((not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts)
