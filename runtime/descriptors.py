"""File descriptors: as many as the system allows, and a few kept back for when cameras have used up the rest."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# A configuration and what it includes need one or two; cameras that try again may take some of them in between.
_RESERVE = 4


def raise_limit() -> None:
    """Raise this process's limit to what it may have; many systems begin with 1024, a hundred cameras may need more."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Reserve:
    """Descriptors that nobody uses, so that there are some when there are none."""

    def __init__(self) -> None:
        self._held: list[int] = []
        self._hold()

    @contextmanager
    def released(self) -> Iterator[None]:
        """While the block runs, they are free for it."""
        self.close()
        try:
            yield
        finally:
            self._hold()

    def close(self) -> None:
        """Give them back."""
        while self._held:
            os.close(self._held.pop())

    def _hold(self) -> None:
        with suppress(OSError):
            while len(self._held) < _RESERVE:
                self._held.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
