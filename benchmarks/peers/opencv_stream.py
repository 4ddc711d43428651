"""OpenCV alone: a loop of cv2.VideoCapture's read, as most examples write it, with all its defaults.

Writes a JSON line a read: when it came back (seconds of the monotonic clock), and what it gave. It needs nothing of
edge-resnet.
"""

from __future__ import annotations

import json
import sys
import time

import cv2

# A read that fails at once would else fill the lines.
_PAUSE_S = 0.02


def tell(what: str) -> None:
    """A line: `what` is picture, zero (every pixel 0), fault or ended."""
    print(json.dumps({"at_s": time.monotonic(), "what": what}), flush=True)


def main() -> None:
    """Read the URL that is the first argument, for ever."""
    capture = cv2.VideoCapture(sys.argv[1])
    if not capture.isOpened():
        tell("ended")
        return
    while True:
        good, image = capture.read()
        if good:
            tell("picture" if image.any() else "zero")
        else:
            tell("fault")
            time.sleep(_PAUSE_S)


if __name__ == "__main__":
    main()
