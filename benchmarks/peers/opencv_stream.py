"""OpenCV alone: a loop of cv2.VideoCapture's read, as most examples write it, with all its defaults.

Writes a JSON line a read: when it came back (seconds of the monotonic clock), and what it gave. It needs nothing of
edge-resnet.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import cv2
import numpy as np

# A read that fails at once would else fill the lines.
_PAUSE_S = 0.02


class Teller:
    """Writes what the benchmark reads."""

    def __init__(self) -> None:
        self._last: Any = None

    def tell(self, what: str) -> None:
        """A line: `what` is picture, same (as the one before), zero (every pixel 0), fault or ended."""
        print(json.dumps({"at_s": time.monotonic(), "what": what}), flush=True)

    def picture(self, image: Any) -> None:
        """A line on a picture, H x W x 3, uint8."""
        same = self._last is not None and np.array_equal(self._last, image)
        self._last = image.copy()
        self.tell("zero" if not image.any() else "same" if same else "picture")


def main() -> None:
    """Read the URL that is the first argument, for ever."""
    teller = Teller()
    capture = cv2.VideoCapture(sys.argv[1])
    if not capture.isOpened():
        teller.tell("ended")
        return
    while True:
        good, image = capture.read()
        if good:
            teller.picture(image)
        else:
            teller.tell("fault")
            time.sleep(_PAUSE_S)


if __name__ == "__main__":
    main()
