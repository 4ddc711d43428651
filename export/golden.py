"""Golden frames: what a box replays to see whether its answers are the trained model's."""

from __future__ import annotations

import cv2
import numpy as np

from edge_resnet.bundle import Golden
from edge_resnet.classifier import Classifier
from edge_resnet.errors import UserError
from edge_resnet.manifest import InputSpec
from edge_resnet.preprocess import Frame

MAX_FRAMES = 48

_BATCH = 8
_SEED = 20_261_124
_COARSE_PIXELS = 32


def record(classifier: Classifier, frames: Frame) -> Golden:
    """The reference's logits on `frames` (N x H x W x 3, uint8, BGR, of the network's input size, N at most 48)."""
    if not 0 < len(frames) <= MAX_FRAMES:
        raise UserError(f"{len(frames)} golden frames; give 1 to {MAX_FRAMES}")
    batches = [frames[start : start + _BATCH] for start in range(0, len(frames), _BATCH)]
    return Golden(frames, np.concatenate([classifier.infer(batch).logits for batch in batches]))


def drawn_frames(spec: InputSpec, count: int = 16) -> Frame:
    """Frames that show nobody's pictures: coarse colour noise under fine noise, the same every time.

    N x H x W x 3, uint8, BGR, for a bundle that must not carry the owner's pictures.
    """
    random = np.random.default_rng(_SEED)
    size = (spec.width, spec.height)
    frames = np.empty((count, spec.height, spec.width, 3), np.uint8)
    for frame in frames:
        coarse_shape = (spec.height // _COARSE_PIXELS + 2, spec.width // _COARSE_PIXELS + 2, 3)
        coarse = cv2.resize(
            random.uniform(0, 255, coarse_shape).astype(np.float32), size, interpolation=cv2.INTER_CUBIC
        )
        fine = random.normal(0, 8, frame.shape).astype(np.float32)
        frame[:] = np.clip(coarse + fine, 0, 255).astype(np.uint8)
    return frames
