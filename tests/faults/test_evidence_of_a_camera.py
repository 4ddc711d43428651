"""Clips of a real camera's own packets: from a key frame on, of the event, and not of what is masked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import pytest

from runtime.events.media import Media
from runtime.recording.packets import Tap
from runtime.sources.address import Address
from runtime.sources.packets import Header, Packet, pyav
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


# Quiet, so that only key frames are looked at; a clip begins well before the look that wakes the camera.
LADDER = {"rate": "10/s", "attention": "ladder"}
LONG = {"pre_roll": "4 s", "post_roll": "2 s"}


def all_clips(stream: Stream) -> list[Path]:
    """In the order in which they were written."""
    with closing(Media(stream.folder / "events.sqlite")) as media:
        return [Path(path) for (path,) in media.rows("SELECT path FROM media WHERE kind = 'clip' ORDER BY rowid")]


def viewers(server: RtspServer) -> int:
    """How many connections the camera has, as the kernel tells."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    established = [local for _, local, _, state, *_ in rows if state == "01"]
    return sum(int(local.rpartition(":")[2], 16) == server.port for local in established)


def sizes(path: Path) -> list[tuple[int, int]]:
    """Of each frame that can be decoded; all that are in the file must be."""
    with av.open(str(path)) as container:
        count = sum(packet.size > 0 for packet in container.demux(video=0))
    with av.open(str(path)) as container:
        frames = [(frame.width, frame.height) for frame in container.decode(video=0)]
    assert len(frames) == count
    return frames


@needs_rtsp_server
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_a_camera_on_the_ladder_has_one_connection_and_clips_with_all_frames_of_before(
    tmp_path: Path, codec: str
) -> None:
    with RtspServer(Sent(**{**vars(SENT), "codec": codec})) as server:
        cameras = {"yard": {"detect": server.url(), **LADDER}}
        with Stream(tmp_path, cameras, alarms=RULES, recording=LONG) as stream:
            stream.until_looks("yard", 5)
            server.show(FIRE)
            stream.until_looks("yard", 20)
            server.show(DARK)
            stream.until(lambda: len(all_clips(stream)) == 1)
            # Whoever else would read its packets would be there by now.
            assert viewers(server) == 1
            assert stream.end() == 0
    (path,) = all_clips(stream)
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        assert video.codec_context.name == ("h264" if codec == "h264" else "hevc")
        assert float(video.average_rate) == pytest.approx(20, abs=2)
    assert set(sizes(path)) == {(1280, 720)}
    assert shows_a_fire_from_before_to_after(path)
    # Every frame of the time before, of which one in twenty was looked at.
    assert next(number for number, value in enumerate(brightness(path)) if value > 150) >= 30


@needs_rtsp_server
def test_clips_of_a_camera_on_the_ladder_play_though_it_comes_back_as_another(tmp_path: Path) -> None:
    with RtspServer(SENT) as server:
        cameras = {"yard": {"detect": server.url(), **LADDER}}
        with Stream(tmp_path, cameras, alarms=RULES, recording=LONG) as stream:
            stream.until_looks("yard", 3)
            server.show(FIRE)
            stream.until_looks("yard", 20)
            # In the middle of the event it restarts, with other parameter sets.
            server.replace(replace(SENT, pattern=FIRE, width=640, height=360))
            stream.until_looks("yard", 20)
            server.show(DARK)
            stream.until(lambda: len(all_clips(stream)) == 1)
            server.show(FIRE)
            stream.until_looks("yard", 20)
            # In the middle of the next it goes on, with others again.
            server.reshape(320, 240, 20)
            stream.until_looks("yard", 20)
            server.show(DARK)
            stream.until(lambda: len(all_clips(stream)) == 2)
            assert viewers(server) == 1
            assert stream.end() == 0
    first, second = all_clips(stream)
    # Of the packets of one connection, or of the pictures of both.
    assert len(set(sizes(first))) == 1
    assert max(brightness(first)) > 150
    assert set(sizes(second)) == {(640, 360), (320, 240)}
    assert shows_a_fire_from_before_to_after(second)


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
        until(lambda: tap.flow.usable)
        server.kill()
        until(lambda: len(taken.told) > 0)
        server.restart()
        until(lambda: len({id(header) for header in taken.headers}) == 2)
        until(lambda: tap.flow.usable)
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
    assert (taken.packets, tap.flow.usable) == ([], False)
    assert [told["reason"] for told in taken.told] == ["mjpeg in mpjpeg"]
    assert "s3cret" not in str(taken.told)
