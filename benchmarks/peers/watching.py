"""What the peers that watch cameras have in common: their options, and the line that they write for each frame.

Nothing of edge-resnet is imported here: a peer may run in an environment of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time


def options(description: str | None) -> argparse.Namespace:
    """The options of a peer: the ONNX network, its input's side in pixels, every which frame to classify, cameras."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("model")
    parser.add_argument("side", type=int)
    parser.add_argument("every", type=int)
    parser.add_argument("urls", nargs="+")
    return parser.parse_args()


class Lines:
    """Writes a JSON line for each frame that was classified, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def classified(self, camera: int, stamp_s: float | None = None) -> None:
        """`camera`: its number in the order of the addresses. `stamp_s`: what the frame says of its own time."""
        line = {"camera": str(camera), "at_s": time.monotonic(), "stamp_s": stamp_s}
        with self._lock:
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
