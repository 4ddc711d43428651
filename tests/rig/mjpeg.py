"""An HTTP camera that sends MJPEG, as a thread of the test: it can fall silent, stop, and come back on its port."""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

import cv2
import numpy as np
import numpy.typing as npt

Picture = Callable[[int], npt.NDArray[np.uint8]]


def grey(brightness: Callable[[int], int], size: tuple[int, int] = (64, 48)) -> Picture:
    """Flat pictures, of the brightness that the frame's number gives; a JPEG keeps it to within 2."""
    return lambda number: np.full((size[1], size[0], 3), brightness(number), np.uint8)


def noise(number: int) -> npt.NDArray[np.uint8]:
    """A sharp picture of which each is another, as of a real sensor."""
    blocks = np.random.default_rng(number).integers(60, 200, (48, 64, 3), np.uint8)
    return blocks.repeat(4, axis=0).repeat(4, axis=1)


class MjpegCamera:
    """A camera on loopback, as a context manager. Frame n of each connection is `picture(n)`; it ends after `last`.

    With a `user` it asks for basic authentication. `sent` is the number of frames of the latest connection.
    """

    def __init__(
        self, picture: Picture, last: int | None = None, user: str = "", password: str = "", fps: float = 50.0
    ) -> None:
        self.picture, self.last, self.fps = picture, last, fps
        self.user, self.password = user, password
        self.sent = 0
        self.off = threading.Event()
        self.speaking = threading.Event()
        self.speaking.set()
        self._port = 0
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> MjpegCamera:
        self.restart()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def url(self, password: str | None = None) -> str:
        """Its address; with the right password unless another is given."""
        login = f"{self.user}:{self.password if password is None else password}@" if self.user else ""
        token = f"?token={self.password}" if self.password else ""
        return f"http://{login}127.0.0.1:{self._port}/video.mjpg{token}"

    @property
    def port(self) -> int:
        return self._port

    def silence(self) -> None:
        """Stay connected and say nothing more, also to who comes."""
        self.speaking.clear()

    def stop(self) -> None:
        """Close all connections and the port."""
        if self._server is not None and self._thread is not None:
            self.off.set()
            self.speaking.set()
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None

    def restart(self) -> None:
        """Listen, on the port that it had."""
        assert self._server is None, "it runs"
        self.off.clear()
        self._server = _Server(self, self._port)
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, camera: MjpegCamera, port: int) -> None:
        self.camera = camera
        super().__init__(("127.0.0.1", port), _Stream)


class _Stream(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        camera = self.server.camera
        camera.speaking.wait()
        if camera.user:
            expected = "Basic " + base64.b64encode(f"{camera.user}:{camera.password}".encode()).decode()
            if self.headers.get("Authorization") != expected:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                self.end_headers()
                return
        if not self.path.startswith("/video.mjpg"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        number = 0
        # The pause is the camera's frame rate, not a wait for a condition.
        while number != camera.last and not camera.off.wait(1 / camera.fps):
            camera.speaking.wait()
            jpeg = cv2.imencode(".jpg", camera.picture(number))[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
            try:
                self.wfile.write(head + jpeg + b"\r\n")
            except OSError:
                return
            number += 1
            camera.sent = number

    def log_message(self, format: str, *args: object) -> None:
        logging.getLogger(__name__).debug(format, *args)
