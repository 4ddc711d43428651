"""Stand-ins for tests of the stream: a network that sees brightness, its bundle, and clips drawn on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge_resnet.bundle import Bundle, write_manifest
from edge_resnet.manifest import AlarmSpec, InputSpec, ModelSpec
from runtime.backends import Backend, Description

MODEL = ModelSpec(
    labels=("normal", "fire"),
    background=("normal",),
    input=InputSpec(height=32, width=64),
    alarms={"fire": AlarmSpec(classes=("fire",))},
)
DARK, BRIGHT = 40, 220
_CELL_PX = 8


class Brightness(Backend):
    """Takes what is brighter than middle grey for fire: probability 0.003 when DARK, 0.997 when BRIGHT.

    It goes by the name of an engine that is on every box.
    """

    def __init__(self, spec: ModelSpec = MODEL, requests: int = 1) -> None:
        super().__init__(spec, requests)
        self.closed = False

    def describe(self) -> Description:
        return Description("opencv", "1", "cpu", "fp32", "fp32")

    def close(self) -> None:
        self.closed = True

    def _run(self, frames: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        n, height, width, _ = frames.shape
        cells = frames.reshape(n, height // _CELL_PX, _CELL_PX, width // _CELL_PX, _CELL_PX, 3).mean(axis=(2, 4, 5))
        cam = np.zeros((n, 2, *cells.shape[1:]), np.float32)
        cam[:, 1] = (cells - 130.0) / 15.0
        return cam.mean(axis=(2, 3)), cam


def choose_brightness(
    bundle: Bundle, backend: str, precision: str, device: str, *, log: Callable[[str], None], **_options: object
) -> Brightness:
    """In the place of trust.choose."""
    return Brightness(bundle.model)


def write_bundle(folder: Path, model: ModelSpec = MODEL) -> Bundle:
    """A bundle whose model file is empty: enough for what reads only the manifest."""
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"")
    return write_manifest(folder, model, {})


def write_clip(path: Path, brightness: list[int], fps: float = 10.0, size: tuple[int, int] = (64, 48)) -> Path:
    """A clip with one flat frame for each brightness; a little square in it tells the frame's parity."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, size)
    for number, value in enumerate(brightness):
        frame = np.full((size[1], size[0], 3), value, np.uint8)
        frame[:4, :4] = 255 * (number % 2)
        writer.write(frame)
    writer.release()
    return path
