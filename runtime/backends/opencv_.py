"""OpenCV's own engine, cv2.dnn: it is on every box, since OpenCV reads the video."""

from __future__ import annotations

import cv2
import numpy as np

from edge_resnet.errors import BackendError
from runtime.backends.base import INPUT, OUTPUTS, Backend, Description, Floats, Frames, Opening

# What a call of setNumThreads with it restores.
_DEFAULT_THREADS = -1


class OpenCv(Backend):
    """A network of cv2.dnn's new engine (OpenCV 5): it takes uint8 frames and a batch that changes as they are.

    A cv2.dnn network keeps its input and outputs inside, so it must not be entered by two threads; Backend sees to it.
    """

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening.bundle.model)
        if opening.device not in ("auto", "cpu"):
            raise BackendError(f"opencv: no device {opening.device}, it runs on cpu")
        self._precision = opening.precision
        self._own_threads = opening.threads > 0
        if self._own_threads:
            # One number for the whole process: cv2.dnn has no other.
            cv2.setNumThreads(opening.threads)
        # 5.0.0 calls it ENGINE_NEW, later versions ENGINE_OPENCV. The classic engine fixes shapes when it reads.
        engine = getattr(cv2.dnn, "ENGINE_OPENCV", None) or getattr(cv2.dnn, "ENGINE_NEW", None)
        if engine is None:
            raise BackendError(f"opencv: version {cv2.__version__} is too old; pip install 'opencv-python>=5.0'")
        self._network = cv2.dnn.readNetFromONNX(np.frombuffer(opening.model, np.uint8), engine)

    def describe(self) -> Description:
        # On a processor this engine has fp32 kernels only; it casts fp16 weights up when it reads them.
        emulated = self._precision == "fp16"
        note = "cv2.dnn computes in fp32: fp16 weights are cast up" if emulated else ""
        return Description("opencv", cv2.__version__, "cpu", self._precision, "fp32", emulated, note)

    def close(self) -> None:
        if self._own_threads:
            cv2.setNumThreads(_DEFAULT_THREADS)

    def _run(self, frames: Frames) -> tuple[Floats, Floats]:
        self._network.setInput(frames, INPUT)
        logits, cam = (np.asarray(output, np.float32) for output in self._network.forward(OUTPUTS))
        return logits, cam
