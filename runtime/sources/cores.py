"""Threads that decode, taking turns: as many at a time as there are cores.

Forty cameras have forty threads. Where more of them decode at once than can run, each takes the others' caches away
with every turn that the kernel gives them, and the frames of all come late together.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from edge_resnet.hardware import cores

# A group of pictures takes a tenth of that: who has it for longer hangs, and holds up nobody else.
_LONGEST_S = 2.0

_free = BoundedSemaphore(cores())


@contextmanager
def on_a_core() -> Iterator[None]:
    """Wait until a core is free for the block, which is to be some milliseconds of work and no waiting."""
    taken = _free.acquire(timeout=_LONGEST_S)
    try:
        yield
    finally:
        if taken:
            _free.release()
