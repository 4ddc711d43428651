"""Clips of a real camera's own packets: from a key frame on, of the event, and not of what is masked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import pytest

from runtime.events.media import Media
from runtime.recording.packets import Header, Packet, Tap, pyav
from runtime.sources.address import Address
from tests.rig.mjpeg import MjpegCamera, noise
from tests.rig.rtsp import RtspServer, needs_rtsp_server
from tests.rig.rtsp import Stream as Sent
from tests.rig.stream import Stream

av = pytest.importorskip("av")

# A key frame each second; the camera shows nothing, then a fire, then nothing.
DARK, FIRE = "black", "white"
SENT = Sent(pattern=DARK, width=1280, height=720, fps=20, gop=20, key_on_join=False)
RULES = {"fire": {"window": "1 s", "quiet": "1 s", "cooldown": "1 s"}}
SHORT = {"pre_roll": "2 s", "post_roll": "2 s"}
UPPER_LEFT = [[0.0, 0.0], [0.25, 0.0], [0.25, 0.5], [0.0, 0.5]]


def clips(stream: Stream) -> dict[str, Path]:
    """By camera."""
    with closing(Media(stream.folder / "events.sqlite")) as media:
        rows = media.rows("SELECT camera, path FROM media JOIN events ON events.id = event_id WHERE kind = 'clip'")
    return {camera.removeprefix("here/"): Path(path) for camera, path in rows}


def one_fire(stream: Stream, server: RtspServer, cameras: Mapping[str, Any]) -> dict[str, Path]:
    """Show a fire for two seconds, and wait for a clip of each camera."""
    stream.until_looks("yard", 25)
    server.show(FIRE)
    stream.until_looks("yard", 20)
    server.show(DARK)
    stream.until(lambda: clips(stream).keys() == cameras.keys())
    return clips(stream)


def brightness(path: Path, of: Callable[[Any], Any] = lambda image: image) -> list[float]:
    capture, values = cv2.VideoCapture(str(path)), []
    while capture.grab():
        values.append(float(of(capture.retrieve()[1]).mean()))
    capture.release()
    return values


def shows_a_fire_from_before_to_after(path: Path) -> bool:
    values = brightness(path)
    bright = [number for number, value in enumerate(values) if value > 150]
    whole = bright == list(range(bright[0], bright[-1] + 1)) if bright else False
    return whole and values[0] < 60 and values[-1] < 60


@needs_rtsp_server
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_a_clip_is_the_cameras_own_packets_and_never_of_what_is_masked(tmp_path: Path, codec: str) -> None:
    with RtspServer(Sent(**{**vars(SENT), "codec": codec})) as server:
        cameras = {
            "yard": {"detect": server.url(), "rate": "10/s"},
            "masked": {"detect": server.url(), "rate": "10/s", "masks": [UPPER_LEFT]},
        }
        with Stream(tmp_path, cameras, alarms=RULES, recording=SHORT) as stream:
            found = one_fire(stream, server, cameras)
            assert stream.end() == 0
    with av.open(str(found["yard"])) as container:
        video = container.streams.video[0]
        assert video.codec_context.name == ("h264" if codec == "h264" else "hevc")
        # All of the camera's frames in their own size, not only those that were judged.
        assert (video.width, float(video.average_rate)) == (1280, pytest.approx(20, abs=2))
        assert next(iter(container.demux(video))).is_keyframe
    assert shows_a_fire_from_before_to_after(found["yard"])
    # What is masked is blanked in pictures; packets cannot be.
    with av.open(str(found["masked"])) as container:
        assert container.streams.video[0].width == 640
    assert shows_a_fire_from_before_to_after(found["masked"])
    assert max(brightness(found["masked"], lambda image: image[:170, :150])) < 30
    with closing(Media(tmp_path / "events.sqlite")) as media:
        rows = media.rows(
            "SELECT path FROM media JOIN events ON events.id = event_id"
            " WHERE kind = 'snapshot' AND camera = 'here/masked'"
        )
    assert rows
    for (path,) in rows:
        image = cv2.imread(path)
        assert image is not None
        assert image[:340, :300].mean() < 30 < 150 < image[:, 700:].mean()


class Taken:
    """What a tap gives and tells."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.headers: list[Header] = []
        self.told: list[dict[str, Any]] = []

    def take(self, packet: Packet, header: Header) -> None:
        self.packets.append(packet)
        self.headers.append(header)

    def tell(self, event: str, **fields: Any) -> None:
        self.told.append({"event": event, **fields})

    def tap(self, url: str) -> Tap:
        module = pyav()
        assert module is not None
        return Tap(module, "yard", Address.parse(url), self.take, 2.0, 1.0, self.tell)


def until(holds: Callable[[], bool]) -> None:
    waited = threading.Event()
    for _ in range(1000):
        if holds():
            return
        waited.wait(0.02)
    raise AssertionError("never so")


@needs_rtsp_server
def test_packets_come_back_with_the_camera_as_another_connection() -> None:
    taken = Taken()
    with RtspServer(Sent(user="watch", password="s3cret", gop=10)) as server:
        tap = taken.tap(server.url())
        tap.start()
        until(lambda: tap.flows)
        server.kill()
        until(lambda: len(taken.told) > 0)
        server.restart()
        until(lambda: len({id(header) for header in taken.headers}) == 2)
        until(lambda: tap.flows)
        tap.close()
        tap.join(10)
    assert not tap.is_alive()
    assert any(packet.key for packet in taken.packets)
    assert "s3cret" not in str(taken.told)


def test_what_has_no_packets_that_make_a_clip_is_asked_once() -> None:
    taken = Taken()
    with MjpegCamera(noise, password="s3cret") as camera:
        tap = taken.tap(camera.url())
        tap.start()
        tap.join(20)
        assert not tap.is_alive()
    assert (taken.packets, tap.flows) == ([], False)
    assert [told["reason"] for told in taken.told] == ["mjpeg in mpjpeg"]
    assert "s3cret" not in str(taken.told)
