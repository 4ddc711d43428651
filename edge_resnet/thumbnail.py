"""A small picture inside a page: JPEG as a data URI, with a heat map on it if there is one."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import numpy.typing as npt

from edge_resnet import overlay
from edge_resnet.preprocess import Frame, Preprocess

# So that a picture of 64 x 64 can be seen, and its heat is smooth.
_MIN_WIDTH_PX = 224
_JPEG_QUALITY = 85


def data_uri(frame: Frame, heat: npt.NDArray[np.float32] | None = None) -> str:
    """`data:image/jpeg;base64,...` of `frame` (H x W x 3, uint8, BGR), enlarged where it is tiny.

    `heat`: h x w, float32, 0..1, over the whole frame.
    """
    scale = max(1.0, _MIN_WIDTH_PX / frame.shape[1])
    width, height = round(frame.shape[1] * scale), round(frame.shape[0] * scale)
    picture = np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    if heat is not None:
        _box, laid = overlay.lay_on_frame(heat, Preprocess(height, width), height, width)
        overlay.blend_heat(picture, laid)
    written, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not written:
        raise ValueError(f"no JPEG of a picture of shape {frame.shape}")
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")
