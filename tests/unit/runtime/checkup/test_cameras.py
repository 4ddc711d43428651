"""Devices of this box and cameras of a configuration: what each answers, none waited for by the others."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime.cameras.reader import Open
from runtime.checkup import configured as checkup
from runtime.checkup.configured import Doors, configured
from runtime.checkup.devices import devices
from runtime.checkup.item import Item
from runtime.checkup.key_frames import KeyFrames
from runtime.config.settings import WatchSettings
from runtime.sources.address import Address
from runtime.sources.feed import Taker
from runtime.sources.frame import EveryFrame, Image
from runtime.sources.hardware import Decoder
from runtime.sources.outage import Outage

SECRET = "s3cr3t"


class StandIn(EveryFrame):
    """A source of one frame."""

    fps = 25.0
    live = True

    def __init__(self, name: str, image: Image | None) -> None:
        self.name = name
        self._image = image
        self.closed = False

    def grab(self) -> float | None:
        return 0.0

    def retrieve(self) -> Image | None:
        return self._image

    def close(self) -> None:
        self.closed = True


def watch(**addresses: str) -> WatchSettings:
    return WatchSettings.model_validate(
        {"sites": {"yard": {"cameras": {name: {"detect": address} for name, address in addresses.items()}}}}
    )


def flat(address: Address, open_timeout_s: float, read_timeout_s: float, *more: object) -> StandIn:
    return StandIn(address.name, np.zeros((2, 2, 3), np.uint8))


def refused(address: Address, open_timeout_s: float, read_timeout_s: float, *more: object) -> StandIn:
    raise AssertionError("not by its packets")


def by(open_: Open) -> Doors:
    """Whatever has packets is opened by them as all else is; nothing is known of key frames."""
    return Doors(open_, lambda address, open_s, read_s, *more: open_(address, open_s, read_s), None)


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """What a driver that hangs waits for; set at the end, so that no thread is left."""
    event = threading.Event()
    yield event
    event.set()


def test_each_camera_is_told_in_the_order_of_the_configuration(never: threading.Event) -> None:
    opened: list[StandIn] = []

    def open_(address: Address, open_timeout_s: float, read_timeout_s: float) -> StandIn:
        assert (open_timeout_s, read_timeout_s) == (5.0, 5.0)
        if address.target == "1":
            raise Outage(address.name, "busy", "close the other program")
        if address.target == "2":
            never.wait()
        if address.target == "3":
            raise ZeroDivisionError(SECRET)
        image = None if address.target == "4" else np.zeros((360, 640, 3), np.uint8)
        opened.append(StandIn(address.name, image))
        return opened[-1]

    url = f"rtsp://a:{SECRET}@h/"
    items = list(configured(watch(well=url, busy="1", hangs="2", odd="3", blank="4"), by(open_), last_answer_s=0.5))
    assert [(item.name, item.verdict) for item in items] == [
        ("yard/well", "ok"),
        ("yard/busy", "problem"),
        ("yard/hangs", "problem"),
        ("yard/odd", "problem"),
        ("yard/blank", "problem"),
    ]
    well, busy, hangs, odd, blank = items
    assert well.found.startswith("640 x 360 pixels, 25 frames a second")
    assert (busy.found, busy.advice) == ("busy", "close the other program")
    assert hangs.found == "no answer within 0.5 s"
    assert "ZeroDivisionError" in odd.found
    assert "no picture" in blank.found
    assert SECRET not in repr(items)
    assert [source.closed for source in opened] == [True, True]


def test_the_stream_for_recording_is_opened_too() -> None:
    settings = WatchSettings.model_validate({"sites": {"y": {"cameras": {"g": {"detect": "0", "record": "1"}}}}})
    items = configured(settings, by(flat))
    assert [item.name for item in items] == ["y/g", "y/g (record)"]


@pytest.mark.parametrize(
    ("address", "stated"),
    [("0", True), ("rtsp://h/x", True), ("http://h/x", False), ("udp://:1", False), ("folder", False)],
)
def test_a_rate_that_is_only_guessed_is_not_told(address: str, stated: bool, tmp_path: Path) -> None:
    found = watch(g=str(tmp_path) if address == "folder" else address)
    (item,) = configured(found, by(flat))
    assert item.verdict == "ok"
    assert ("frames a second" in item.found) is stated


def attended(monkeypatch: pytest.MonkeyPatch, keys: KeyFrames | None, **camera: Any) -> Item:
    """What is told of a camera whose packets tell this of its key frames."""
    monkeypatch.setattr(checkup, "key_frames", lambda *arguments: keys)
    settings = WatchSettings.model_validate({"sites": {"y": {"cameras": {"g": {"detect": "rtsp://h/x", **camera}}}}})
    (item,) = configured(settings, Doors(refused, flat))
    return item


@pytest.mark.parametrize(
    ("keys", "camera", "verdict"),
    [
        (KeyFrames(2.0, known=True), {}, "ok"),
        (KeyFrames(10.0, known=True), {}, "warning"),
        (KeyFrames(7.5, known=False), {}, "warning"),
        (KeyFrames(10.0, known=True), {"ladder": {"glance_within": 12.0}, "heartbeat": 15.0}, "ok"),
        # At least so often it is looked at, whatever the ladder says.
        (KeyFrames(10.0, known=True), {"ladder": {"glance_within": 12.0}, "heartbeat": 8.0}, "warning"),
        (None, {}, "ok"),
    ],
)
def test_a_camera_on_the_ladder_is_to_send_key_frames_often(
    keys: KeyFrames | None, camera: dict[str, Any], verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = attended(monkeypatch, keys, attention="ladder", **camera)
    assert item.verdict == verdict
    assert item.found.endswith(f"{f', {keys}' if keys else ''}, attention: ladder")
    assert ("set the camera's key frame (I-frame, GOP) interval" in item.advice) is (verdict == "warning")


@pytest.mark.parametrize("attention", ["full", "ladder"])
def test_a_camera_is_opened_with_the_decoder_that_it_names(attention: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def open_packets(address: Address, open_s: float, read_s: float, taker: Taker, decoder: Decoder) -> StandIn:
        raise Outage(address.name, "resources", f"no {decoder} decoder works here; write decoder: cpu, or auto")

    monkeypatch.setattr(checkup, "key_frames", lambda *arguments: None)
    camera = {"detect": "rtsp://h/x", "attention": attention, "decoder": "qsv"}
    settings = WatchSettings.model_validate({"sites": {"y": {"cameras": {"g": camera}}}})
    (item,) = configured(settings, Doors(refused, open_packets))
    assert (item.verdict, item.advice) == ("problem", "no qsv decoder works here; write decoder: cpu, or auto")


@pytest.mark.parametrize("camera", [{"decoder": "opencv"}, {"detect": "http://h/x"}])
def test_what_opencv_reads_it_opens(camera: dict[str, str]) -> None:
    settings = WatchSettings.model_validate({"sites": {"y": {"cameras": {"g": {"detect": "rtsp://h/x", **camera}}}}})
    (item,) = configured(settings, Doors(flat, refused, None))
    assert item.verdict == "ok"


def test_of_other_cameras_it_is_only_told(monkeypatch: pytest.MonkeyPatch) -> None:
    item = attended(monkeypatch, KeyFrames(10.0, known=True))
    assert (item.verdict, item.advice) == ("ok", "")
    assert item.found.endswith("key frames 10 s apart, attention: full")


def test_where_there_are_no_packets_the_gate_is_told() -> None:
    settings = {"sites": {"y": {"cameras": {"g": {"detect": "0", "attention": "ladder"}}}}}
    (item,) = configured(WatchSettings.model_validate(settings), by(flat))
    assert (item.verdict, item.found.endswith(", attention: ladder by its gate")) == ("ok", True)


def test_a_camera_on_the_ladder_without_pyav_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    settings = {"sites": {"y": {"cameras": {"g": {"detect": "rtsp://h/x", "attention": "ladder"}}}}}
    (item,) = configured(WatchSettings.model_validate(settings))
    assert (item.verdict, item.advice) == ("problem", "attention: ladder needs PyAV: pip install 'edge-resnet[video]'")


def test_devices_have_names_and_may_not_be_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dev, system = tmp_path / "dev", tmp_path / "sys"
    for number, name, index in ((10, "Cam B", "0"), (2, "Cam A\n", "0"), (3, "Cam A", "1")):
        (system / f"video{number}").mkdir(parents=True)
        (system / f"video{number}" / "name").write_text(name)
        (system / f"video{number}" / "index").write_text(index)
    dev.mkdir()
    for name in ("video2", "video3", "video10", "video11", "video-codec"):
        (dev / name).touch()
    access = os.access
    monkeypatch.setattr("os.access", lambda path, mode: Path(path).name != "video10" and access(path, mode))
    items = list(devices(dev, system))
    assert [(Path(item.name).name, item.verdict, item.found) for item in items] == [
        ("video2", "ok", "Cam A: --camera 2"),
        ("video3", "ok", "Cam A, another node of the same camera: --camera 3"),
        ("video10", "warning", "Cam B: not yours to read"),
        ("video11", "ok", "without a name: --camera 11"),
    ]
    assert "usermod -aG video" in items[2].advice


def test_a_box_without_cameras_is_fine(tmp_path: Path) -> None:
    (item,) = devices(tmp_path, tmp_path)
    assert (item.verdict, item.found) == ("absent", "none")
