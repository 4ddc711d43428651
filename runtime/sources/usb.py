"""A camera of this machine: V4L2 on Linux, the newest frame only, MJPEG where it gives more."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import cv2

from runtime.sources.address import Address
from runtime.sources.capture import OPEN_TIMEOUT_S, READ_TIMEOUT_S
from runtime.sources.diagnosis import short_of_resources
from runtime.sources.live import LiveSource
from runtime.sources.outage import Outage

_MJPEG = cv2.VideoWriter.fourcc(*"MJPG")
_BACKEND = cv2.CAP_V4L2 if sys.platform == "linux" else cv2.CAP_ANY


class UsbSource(LiveSource):
    """Frames of a device as they come."""

    def __init__(
        self, address: Address, open_timeout_s: float = OPEN_TIMEOUT_S, read_timeout_s: float = READ_TIMEOUT_S
    ) -> None:
        """Open the device whose number `address` holds. Raises Outage."""
        self._device = Path(f"/dev/video{address.target}")
        if _BACKEND == cv2.CAP_V4L2:
            _check(address, self._device)
        capture = cv2.VideoCapture(int(address.target), _BACKEND)
        if not capture.isOpened():
            raise short_of_resources(address.name) or Outage(
                address.name, "busy", f"another program has {self._device}, or it is no camera; close that program"
            )
        # One frame in the driver's queue: an old one is of no use.
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        _prefer_mjpeg(capture)
        super().__init__(address, capture, open_timeout_s, read_timeout_s)

    def _gone(self) -> Outage:
        if _BACKEND == cv2.CAP_V4L2 and not self._device.exists():
            return Outage(self.name, "gone", f"{self._device} is no longer there; was it unplugged?")
        return super()._gone()


def _check(address: Address, device: Path) -> None:
    """Find out what OpenCV would not tell. Raises Outage."""
    try:
        # Not waiting: a device may take its time to open.
        os.close(os.open(device, os.O_RDWR | os.O_NONBLOCK))
    except FileNotFoundError as error:
        raise Outage(address.name, "not_found", f"there is no {device}; is it plugged in?") from error
    except PermissionError as error:
        raise Outage(
            address.name, "unauthorised", f"{device} is not yours to use; join its group (usually video)"
        ) from error
    except OSError as error:
        if lack := short_of_resources(address.name, error):
            raise lack from error
        if error.errno == errno.EBUSY:
            raise Outage(address.name, "busy", f"another program has {device}; close it") from error
        raise Outage(address.name, "not_found", f"nothing answers behind {device}; plug it in again") from error


def _prefer_mjpeg(capture: cv2.VideoCapture) -> None:
    """Ask for compressed pictures if more come that way: raw ones fill a USB 2 cable at 640 x 480."""
    raw, before = capture.get(cv2.CAP_PROP_FOURCC), _pixels_per_s(capture)
    capture.set(cv2.CAP_PROP_FOURCC, _MJPEG)
    if _pixels_per_s(capture) < before:
        capture.set(cv2.CAP_PROP_FOURCC, raw)


def _pixels_per_s(capture: cv2.VideoCapture) -> float:
    size = capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    return float(size * capture.get(cv2.CAP_PROP_FPS))
