"""OpenCV's video capture as the sources use it: silent, with time limits of seconds, its stated numbers doubted."""

from __future__ import annotations

import os
from collections.abc import Sequence

import cv2
import numpy as np

from runtime.sources.frame import Image

# OpenCV's own limits are 30 s each; nobody waits that long to learn that a camera is off.
OPEN_TIMEOUT_S = 8.0
READ_TIMEOUT_S = 5.0

# A damaged frame reads like the end. So many in a row are the end; at a real one, asking again costs nothing.
MAX_BAD_FRAMES = 50

# A live stream is decoded on one thread: on n threads FFmpeg gives a frame only when n - 1 more have come, which with 8
# cores is 0.3 s at 25 a second (measured, docs/decisions/0022-sources.md). The cameras share the cores.
ONE_THREAD = (cv2.CAP_PROP_N_THREADS, 1)

_USUAL_FPS = 25.0
_FFMPEG_QUIET = "-8"
# RTSP over UDP loses packets in bursts, which look like motion. FFmpeg also reads 20 frames to guess a rate that the
# camera states anyway: without that a stream opens in 0.4 s instead of 1.2 s, and 0.2 s of frames have waited, not 1 s
# (docs/decisions/0022-sources.md). Whoever needs others sets the variable himself.
_FFMPEG_OPTIONS = "rtsp_transport;tcp|fpsprobesize;0"


def open_ffmpeg(
    target: str, open_timeout_s: float, read_timeout_s: float, parameters: Sequence[int] = ()
) -> cv2.VideoCapture:
    """Open a file or URL; whether that worked, isOpened() says. Blocks for `open_timeout_s` seconds at most.

    Then each grab() blocks for `read_timeout_s` at most. `parameters`: more of OpenCV's, as property and value in turn.
    """
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(1000 * open_timeout_s)]
    limits += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(1000 * read_timeout_s)]
    return cv2.VideoCapture(target, cv2.CAP_FFMPEG, [*limits, *parameters])


def stated_fps(capture: cv2.VideoCapture, most: float) -> float:
    """Frames a second as the stream states them; 25 where it states none, or more than `most` (broken headers do)."""
    return believable_fps(float(capture.get(cv2.CAP_PROP_FPS)), most)


def believable_fps(stated: float, most: float) -> float:
    """Frames a second, of which a header states `stated`; 25 where that is none, or more than `most`."""
    return stated if 0.0 < stated <= most else _USUAL_FPS


def retrieve_image(capture: cv2.VideoCapture) -> Image | None:
    """The picture of the frame that was grabbed, H x W x 3, uint8, BGR; None when it cannot be had."""
    try:
        good, image = capture.retrieve()
    except cv2.error:
        return None
    if not good or image is None or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        return None
    return np.asarray(image, np.uint8)


def _silence() -> None:
    """Keep OpenCV and its FFmpeg from writing to standard error: they write the URL with its password."""
    # Read by OpenCV once, when FFmpeg is first used; set even where the user wanted more.
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = _FFMPEG_QUIET
    os.environ.pop("OPENCV_FFMPEG_DEBUG", None)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def _set_defaults() -> None:
    """What OpenCV takes only from the environment, for all captures of the process."""
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", _FFMPEG_OPTIONS)
    # Whole seconds that a device may be silent; OpenCV's own are 10, and no parameter of open sets them.
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", f"{READ_TIMEOUT_S:.0f}")


# On import, for OpenCV asks only once in the life of a process, and a clip may be written before a camera is opened.
_silence()
_set_defaults()
