"""The packets of cameras on their way from who reads a camera to who records it, by the camera's name.

Connections come and go, and so do those who record; neither knows the other. A packet that nobody takes is not copied.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from runtime.sources.packets import Take

# Asked at each packet: who takes it now; None for nobody.
Taker = Callable[[], Take | None]


def nobody() -> None:
    """The taker of a connection whose packets nobody ever wants."""


class Feed:
    """The packets of one camera. Any thread may use it."""

    def __init__(self) -> None:
        self._take: Take | None = None
        self._newest: object = None

    def connection(self) -> Taker:
        """For one more connection to the camera. From now on those before it are not listened to any more.

        One that hung may come back beside its successor, and packets of two connections do not fit together.
        """
        this = self._newest = object()
        return lambda: self._take if self._newest is this else None

    def listen(self, take: Take | None) -> None:
        """From now on all packets go to `take`, on the thread that reads the camera; None for to nobody."""
        self._take = take


class Feeds:
    """The feeds of all cameras, each there as soon as somebody asks for it. Any thread may use it."""

    def __init__(self) -> None:
        self._feeds: dict[str, Feed] = {}
        self._lock = threading.Lock()

    def of(self, camera: str) -> Feed:
        """The feed of a camera, the same for all who name it."""
        with self._lock:
            return self._feeds.setdefault(camera, Feed())
