"""Live cameras against a real HTTP server on this machine: newest frame wins, time limits hold, no password shows."""

from __future__ import annotations

import base64
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_resnet.errors import CameraError
from runtime.session import StreamOptions, watch
from runtime.sources import open_source
from runtime.sources.address import Address
from runtime.sources.live import LiveSource
from tests.stand_ins import BRIGHT, DARK, choose_brightness, write_bundle

USER, PASSWORD = "admin", "s3cr3t"
FPS = 50.0


class Camera(ThreadingHTTPServer):
    """An MJPEG camera behind basic authentication. Frame n is grey `brightness(n)`; it ends after `last` frames."""

    daemon_threads = True

    def __init__(self, brightness: Callable[[int], int], last: int | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Stream)
        self.brightness, self.last = brightness, last
        self.off = threading.Event()
        self.sent = 0

    def url(self, password: str = PASSWORD) -> str:
        return f"http://{USER}:{password}@127.0.0.1:{self.server_address[1]}/video.mjpg?token={PASSWORD}"


class _Stream(BaseHTTPRequestHandler):
    server: Camera

    def do_GET(self) -> None:
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") != expected:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        number = 0
        # The pause is the camera's frame rate, not a wait for a condition.
        while number != self.server.last and not self.server.off.wait(1 / FPS):
            image = np.full((48, 64, 3), self.server.brightness(number), np.uint8)
            jpeg = cv2.imencode(".jpg", image)[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
            try:
                self.wfile.write(head + jpeg + b"\r\n")
            except OSError:
                return
            number += 1
            self.server.sent = number

    def log_message(self, format: str, *args: object) -> None:
        logging.getLogger(__name__).debug(format, *args)


@contextmanager
def camera(brightness: Callable[[int], int], last: int | None = None) -> Iterator[Camera]:
    server = Camera(brightness, last)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.off.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def silent_server() -> Iterator[str]:
    """A server that accepts connections and never says a word: the URL of its camera."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://{USER}:{PASSWORD}@127.0.0.1:{server.getsockname()[1]}/video.mjpg"


def test_the_newest_frame_wins_and_the_lost_ones_are_counted() -> None:
    # The brightness tells which frame it is; a JPEG keeps flat grey to within 2.
    with camera(lambda number: (number * 4) % 256) as server:
        source = open_source(Address.parse(server.url()))
        try:
            taken = []
            for frame in source.frames(lambda time_s: True):
                # Counted around the clock of 64; a frame may arrive before its sender has counted it (-1).
                steps = round(server.brightness(server.sent - 1) - frame.image.mean()) // 4
                behind = (steps + 8) % 64 - 8
                taken.append((frame.index, frame.time_s, behind))
                if len(taken) == 4:
                    break
                # A slow network: looks while at least ten frames come.
                sent = server.sent
                while server.sent < sent + 10:
                    server.off.wait(0.01)
        finally:
            source.close()
    indices, times_s, behind = zip(*taken, strict=True)
    assert all(later - earlier >= 5 for earlier, later in pairwise(indices))
    assert all(later > earlier for earlier, later in pairwise(times_s))
    # Nothing queued up: what was taken last is no further behind the camera than what was taken first.
    assert max(behind) <= 8
    assert source.dropped >= 3 * 5
    assert source.dropped <= source.seen


def test_only_wanted_frames_are_kept_and_the_others_are_not_called_dropped() -> None:
    with camera(lambda number: 100) as server:
        source = open_source(Address.parse(server.url()))
        try:
            frames = source.frames(lambda time_s: time_s >= 0.5)
            first = next(frames)
        finally:
            source.close()
    assert first.time_s >= 0.5
    assert first.index >= 10
    assert source.dropped <= 2


def test_a_whole_run_on_a_live_camera_shows_its_password_nowhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    write_bundle(tmp_path / "bundle")
    with camera(lambda number: BRIGHT) as server:
        options = StreamOptions(
            camera=server.url(),
            bundle=tmp_path / "bundle",
            events=tmp_path / "events.sqlite",
            jsonl=str(tmp_path / "lines.jsonl"),
            save=tmp_path / "out.mp4",
            max_seconds=2.5,
        )
        summary = watch(options, said.append, choose_brightness)
    (event,) = summary.events
    assert event.raised_at == event.created_at
    assert summary.looks >= 5
    # Pictures were wanted of every frame, looks only five times a second.
    assert summary.frames > summary.looks * 2
    assert (tmp_path / "out.mp4").stat().st_size > 0
    told = "".join([json.dumps(summary.as_json()), *said, *capfd.readouterr()])
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert "127.0.0.1" in told
    assert b"127.0.0.1" in written
    assert PASSWORD not in told
    assert PASSWORD.encode() not in written


def test_a_camera_that_stops_ends_the_run_with_clip_and_events_whole(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle")
    with camera(lambda number: BRIGHT if number > 20 else DARK, last=150) as server:
        options = StreamOptions(
            camera=server.url(), bundle=tmp_path / "bundle", events=tmp_path / "e.sqlite", save=tmp_path / "out.mp4"
        )
        with pytest.raises(CameraError, match="gives no more frames") as caught:
            watch(options, lambda line: None, choose_brightness)
    assert PASSWORD not in str(caught.value)
    capture = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) > 20
    capture.release()


def test_a_wrong_password_is_one_line_without_it(capfd: pytest.CaptureFixture[str]) -> None:
    with camera(lambda number: 0) as server, pytest.raises(CameraError, match="does not open") as caught:
        open_source(Address.parse(server.url(password="wr0ng")))
    everything = str(caught.value) + "".join(capfd.readouterr())
    assert "\n" not in str(caught.value)
    assert "wr0ng" not in everything
    assert PASSWORD not in everything


def test_a_server_that_never_answers_is_given_up_within_seconds(
    silent_server: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CameraError, match="does not open") as caught:
        LiveSource(Address.parse(silent_server), open_timeout_s=1.0, read_timeout_s=1.0)
    waited_s = int(str(caught.value).partition("waited ")[2].partition(" s")[0])
    assert waited_s <= 10
    assert PASSWORD not in str(caught.value) + "".join(capfd.readouterr())


def test_a_camera_that_falls_silent_is_given_up_within_seconds() -> None:
    frozen = threading.Event()

    def brightness(number: int) -> int:
        if number > 20:
            frozen.wait(20)
        return 0

    with camera(brightness) as server:
        source = LiveSource(Address.parse(server.url()), open_timeout_s=5.0, read_timeout_s=1.0)
        try:
            with pytest.raises(CameraError, match=r"gives no (more )?frame"):
                for _ in source.frames(lambda time_s: True):
                    pass
        finally:
            frozen.set()
            source.close()


def test_interrupting_ends_a_live_stream_that_waits() -> None:
    with camera(lambda number: 0) as server:
        source = open_source(Address.parse(server.url()))
        timer = threading.Timer(0.2, source.interrupt)
        timer.start()
        assert list(source.frames(lambda time_s: False)) == []
        timer.join()
        source.close()


def test_nobody_listens(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for scheme in ("http", "rtsp"):
        with pytest.raises(CameraError, match="does not open") as caught:
            open_source(Address.parse(f"{scheme}://{USER}:{PASSWORD}@127.0.0.1:{port}/x"))
        assert PASSWORD not in str(caught.value) + "".join(capfd.readouterr())
