"""What can be measured on one picture without knowing what it shows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np

from edge_resnet.duplicates import perceptual_hash
from edge_resnet.preprocess import Frame

# Brightness and sharpness are measured at this many pixels of the longer side, so that cameras can be compared.
_MEASURED_SIDE = 256


@dataclass(frozen=True)
class Traits:
    """Measures of a picture.

    `content`: SHA-256 of the file. `width`, `height`: pixels as decoded. `perceptual`: 64-bit pHash. `brightness`: mean
    of the grey picture, 0..255. `contrast`: its standard deviation. `sharpness`: variance of its Laplacian
    (Pech-Pacheco et al. 2000), at a longer side of 256 pixels or less.
    """

    content: str
    width: int
    height: int
    perceptual: int
    brightness: float
    contrast: float
    sharpness: float

    @classmethod
    def measure(cls, data: bytes, frame: Frame, resized: Frame) -> Traits:
        """Measure a file: its bytes, its decoded `frame` and the network's input `resized` (H x W x 3, uint8, BGR)."""
        height, width = frame.shape[:2]
        scale = min(1.0, _MEASURED_SIDE / max(height, width))
        small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else frame
        grey = cv2.cvtColor(np.asarray(small), cv2.COLOR_BGR2GRAY)
        return cls(
            content=hashlib.sha256(data).hexdigest(),
            width=width,
            height=height,
            perceptual=perceptual_hash(resized),
            brightness=float(grey.mean()),
            contrast=float(grey.std()),
            sharpness=float(cv2.Laplacian(grey, cv2.CV_64F).var()),
        )
