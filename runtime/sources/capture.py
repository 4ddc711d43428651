"""OpenCV's video capture as the sources use it: silent, with time limits of seconds, its failures told in one line."""

from __future__ import annotations

import os

import cv2

from runtime.sources.address import Address

# OpenCV's own limits are 30 s each; nobody waits that long to learn that a camera is off.
OPEN_TIMEOUT_S = 8.0
READ_TIMEOUT_S = 8.0

# A damaged frame reads like the end. So many in a row are the end; at a real one, asking again costs nothing.
MAX_BAD_FRAMES = 50

_FFMPEG_QUIET = "-8"


def open_capture(address: Address, open_timeout_s: float, read_timeout_s: float) -> cv2.VideoCapture:
    """Open a device, file or URL; whether that worked, isOpened() says. May block for `open_timeout_s`."""
    if address.kind == "device":
        return cv2.VideoCapture(int(address.target))
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(1000 * open_timeout_s)]
    limits += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(1000 * read_timeout_s)]
    return cv2.VideoCapture(address.target, cv2.CAP_FFMPEG, limits)


def _silence() -> None:
    """Keep OpenCV and its FFmpeg from writing to standard error: they write the URL with its password."""
    # Read by OpenCV once, when FFmpeg is first used; set even where the user wanted more.
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = _FFMPEG_QUIET
    os.environ.pop("OPENCV_FFMPEG_DEBUG", None)
    # RTSP over UDP loses packets in bursts, which look like motion; whoever needs it sets this variable.
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


# On import, for OpenCV asks only once in the life of a process, and a clip may be written before a camera is opened.
_silence()
