"""Prediction of the package ultralytics on streams, stream=True with all its defaults, by its own ONNX Runtime backend.

Every n-th frame is its vid_stride. Run it with the Python of an environment that has ultralytics; it needs nothing of
edge-resnet. The network is one that benchmarks.cameras.networks has made for it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from benchmarks.peers.watching import Lines, options


def main() -> None:
    """Watch all cameras until their streams end."""
    args, lines = options(__doc__), Lines()
    with tempfile.TemporaryDirectory() as folder:
        # Its settings go where they are deleted, and it must not look for updates.
        os.environ.update(YOLO_CONFIG_DIR=folder, YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false")
        from ultralytics import YOLO

        # Several streams are given in a file.
        sources = Path(folder) / "cameras.streams"
        sources.write_text("\n".join(args.urls))
        model = YOLO(args.model, task="classify")
        results = model.predict(
            str(sources), stream=True, vid_stride=args.every, imgsz=args.side, device="cpu", verbose=False
        )
        for number, _ in enumerate(results):
            # It goes through the streams in turn.
            lines.classified(number % len(args.urls))


if __name__ == "__main__":
    main()
