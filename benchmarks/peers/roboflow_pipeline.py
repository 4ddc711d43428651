"""Roboflow's InferencePipeline with its defaults for streams, and a network of one's own on ONNX Runtime.

For every n-th frame it is told the most frames a second (of 25). Run it with the Python of an environment that has the
package inference; it needs nothing of edge-resnet.
"""

from __future__ import annotations

import os
from typing import Any

from benchmarks.peers.watching import Lines, options

_FPS = 25
# It must not ask its makers' servers for anything, nor tell them.
_ALONE = {"OFFLINE_MODE": "True", "TELEMETRY_OPT_OUT": "True", "METRICS_ENABLED": "False"}


def main() -> None:
    """Watch all cameras until their streams end."""
    args, lines = options(__doc__), Lines()
    os.environ.update(_ALONE)
    import cv2
    import numpy as np
    import onnxruntime
    from inference import InferencePipeline

    session = onnxruntime.InferenceSession(args.model, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def classify(frames: list[Any]) -> list[Any]:
        batch = np.stack([cv2.resize(frame.image, (args.side, args.side)) for frame in frames])
        return list(session.run(["logits"], {name: batch})[0])

    def told(predictions: Any, frames: Any) -> None:
        # Of one source it gives one, of several a list with None for those without a frame.
        for frame in frames if isinstance(frames, list) else [frames]:
            if frame is not None:
                lines.classified(frame.source_id or 0)

    pipeline = InferencePipeline.init_with_custom_logic(
        video_reference=args.urls,
        on_video_frame=classify,
        on_prediction=told,
        max_fps=None if args.every == 1 else _FPS / args.every,
    )
    pipeline.start()
    pipeline.join()


if __name__ == "__main__":
    main()
