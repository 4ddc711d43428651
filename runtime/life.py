"""How a stream's life goes: Ctrl-C and SIGTERM let it finish what it is at, a second Ctrl-C does not wait; SIGHUP."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Signals:
    """What was asked for: the signal, if any, that asked for the end; whether to reload."""

    caught: signal.Signals | None = None
    reload: bool = False


@contextmanager
def signals_call(stop: Callable[[], None], reloads: bool = False) -> Iterator[Signals]:
    """While the block runs, the first SIGINT or SIGTERM calls `stop`; a second SIGINT raises KeyboardInterrupt.

    `reloads`: SIGHUP sets `reload`, for whoever looks at it; else it ends the process, as when a terminal is closed.
    Outside the main thread signals cannot be caught, and the block runs without.
    """
    signals = Signals()

    def end(number: int, frame: FrameType | None) -> None:
        signals.caught = signal.Signals(number)
        # From now on Ctrl-C is Python's own again.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    def reload(number: int, frame: FrameType | None) -> None:
        signals.reload = True

    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    handlers: dict[int, Callable[[int, FrameType | None], None]] = {signal.SIGINT: end, signal.SIGTERM: end}
    if reloads:
        handlers[signal.SIGHUP] = reload
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
