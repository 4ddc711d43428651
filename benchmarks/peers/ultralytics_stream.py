"""The stream loader of the package ultralytics, LoadStreams, with all its defaults.

Writes a JSON line a batch: when it came (seconds of the monotonic clock), and what was in it. Run it with the Python of
an environment that has ultralytics; it needs nothing of edge-resnet.
"""

from __future__ import annotations

import os
import sys
import tempfile

from benchmarks.peers.opencv_stream import Teller


def main() -> None:
    """Read the URL that is the first argument until the loader ends."""
    with tempfile.TemporaryDirectory() as folder:
        # Its settings go where they are deleted, and it must not look for updates.
        os.environ.update(YOLO_CONFIG_DIR=folder, YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false")
        from ultralytics.data.loaders import LoadStreams

        teller = Teller()
        try:
            for _, images, _ in LoadStreams(sys.argv[1]):
                teller.picture(images[0])
        except ConnectionError as error:
            # What it raises when a stream cannot be opened at the start.
            print(error, file=sys.stderr)
        teller.tell("ended")


if __name__ == "__main__":
    main()
