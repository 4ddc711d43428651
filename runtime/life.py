"""How a stream's life ends: Ctrl-C and SIGTERM let it finish what it is at, a second Ctrl-C does not wait."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Ending:
    """Which signal, if any, asked for the end."""

    caught: signal.Signals | None = None


@contextmanager
def signals_call(stop: Callable[[], None]) -> Iterator[Ending]:
    """While the block runs, the first SIGINT or SIGTERM calls `stop`; a second SIGINT raises KeyboardInterrupt.

    Outside the main thread signals cannot be caught, and the block runs without.
    """
    ending = Ending()

    def handle(number: int, frame: FrameType | None) -> None:
        ending.caught = signal.Signals(number)
        # From now on Ctrl-C is Python's own again.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    if threading.current_thread() is not threading.main_thread():
        yield ending
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
