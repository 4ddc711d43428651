"""Cameras of this machine, as far as can be told without one: what is wrong with a device is named."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import cv2
import pytest

from runtime.sources import open_source, usb
from runtime.sources.address import Address
from runtime.sources.outage import Outage

pytestmark = pytest.mark.skipif(usb._BACKEND != cv2.CAP_V4L2, reason="V4L2 is Linux's")


def outage() -> Outage:
    with pytest.raises(Outage) as caught:
        open_source(Address.parse("97"))
    assert "\n" not in str(caught.value)
    assert "/dev/video97" in str(caught.value) or caught.value.reason == "resources"
    return caught.value


def test_a_device_that_is_not_there(capfd: pytest.CaptureFixture[str]) -> None:
    if Path("/dev/video97").exists():
        pytest.skip("this machine has a camera 97")
    assert outage().reason == "not_found"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.EACCES, "unauthorised"),
        (errno.EBUSY, "busy"),
        (errno.EMFILE, "resources"),
        (errno.ENODEV, "not_found"),
    ],
)
def test_what_the_system_says_of_a_device_is_named(monkeypatch: pytest.MonkeyPatch, number: int, reason: str) -> None:
    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(usb.os, "open", refuse)
    assert outage().reason == reason


class Device:
    """A capture that gives more pixels a second when compressed, or less."""

    def __init__(self, compressed_fps: float) -> None:
        self.set_to: dict[int, float] = {cv2.CAP_PROP_FOURCC: 1.0}
        self._compressed_fps = compressed_fps

    def isOpened(self) -> bool:
        return True

    def set(self, key: int, value: float) -> bool:
        self.set_to[key] = value
        return True

    def get(self, key: int) -> float:
        fps = self._compressed_fps if self.set_to[cv2.CAP_PROP_FOURCC] == usb._MJPEG else 10.0
        return {cv2.CAP_PROP_FPS: fps, cv2.CAP_PROP_FRAME_WIDTH: 1280.0, cv2.CAP_PROP_FRAME_HEIGHT: 720.0}.get(
            key, self.set_to.get(key, 0.0)
        )


@pytest.mark.parametrize(("compressed_fps", "fourcc", "fps"), [(30.0, usb._MJPEG, 30.0), (5.0, 1.0, 10.0)])
def test_pictures_are_compressed_where_that_gives_more(
    monkeypatch: pytest.MonkeyPatch, compressed_fps: float, fourcc: float, fps: float
) -> None:
    device = Device(compressed_fps)
    opened: list[Any] = []
    monkeypatch.setattr(usb, "_check", lambda *_: None)
    monkeypatch.setattr(cv2, "VideoCapture", lambda *given: opened.append(given) or device)
    source = open_source(Address.parse("3"))
    assert opened == [(3, cv2.CAP_V4L2)]
    assert source.live
    assert source.fps == fps
    assert device.set_to[cv2.CAP_PROP_FOURCC] == fourcc
    assert device.set_to[cv2.CAP_PROP_BUFFERSIZE] == 1


def test_a_device_that_opens_for_us_and_not_for_opencv_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usb, "_check", lambda *_: None)
    assert outage().reason == "busy"
