"""A real RTSP camera for tests: it can be killed, restarted on its port, and changed while it is watched."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import cv2
import pytest

# The bindings of GStreamer come with the system's Python, not from PyPI.
_PYTHON = Path("/usr/bin/python3")
_SERVER = Path(__file__).with_name("rtsp_server.py")
_PACKAGES = (
    "gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly"
)
_PROBE = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"


@cache
def _installed() -> bool:
    if not _PYTHON.exists():
        return False
    return subprocess.run([_PYTHON, "-c", _PROBE], capture_output=True, check=False).returncode == 0


needs_rtsp_server = pytest.mark.skipif(
    not _installed(), reason=f"no RTSP server for the system's Python: apt-get install {_PACKAGES}"
)


@dataclass(frozen=True)
class Stream:
    """What the camera sends. `pattern`, of GStreamer: smpte (bright bars and a corner of noise: a camera that is well),
    colors or gradient (not a pixel changes: frozen), black, white, ball (a small one on black), snow (only noise).

    `pictures`: a folder with 00000.jpg and so on to show in a loop in its place (see `jpegs_of`). `gop`: frames from
    one key frame to the next; with `key_on_join` one more when somebody comes, as many cameras do. With a `user`, the
    password is asked for, basic or `digest`. `sound`: a microphone beside it.
    """

    codec: Literal["h264", "h265"] = "h264"
    width: int = 640
    height: int = 360
    fps: int = 25
    gop: int = 25
    key_on_join: bool = True
    pattern: str = "smpte"
    pictures: str = ""
    user: str = ""
    password: str = ""
    digest: bool = False
    sound: bool = False


class RtspServer:
    """A camera on loopback, as a context manager. Its port stays its own through `kill` and `restart`."""

    def __init__(self, stream: Stream | None = None) -> None:
        self.stream = stream or Stream()
        self._port = 0
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> RtspServer:
        self.restart()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def url(self, password: str | None = None) -> str:
        """Its address; with the right password unless another is given."""
        login = f"{self.stream.user}:{self.stream.password if password is None else password}@"
        return f"rtsp://{login if self.stream.user else ''}127.0.0.1:{self._port}/cam"

    @property
    def port(self) -> int:
        return self._port

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def restart(self) -> None:
        """Start it, on the port that it had, and wait until it listens."""
        assert self._process is None, "it runs"
        settings = json.dumps({**asdict(self.stream), "port": self._port})
        self._process = subprocess.Popen(
            [_PYTHON, _SERVER, settings], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._port = int(self._answer())

    def kill(self) -> None:
        """SIGKILL, as of a camera that loses its power (but that its machine still closes the connections)."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def show(self, pattern: str) -> None:
        """Another picture from now on, see `Stream.pattern`."""
        self._command({"pattern": pattern})
        self.stream = replace(self.stream, pattern=pattern)

    def reshape(self, width: int, height: int, fps: int) -> None:
        """Another size and rate within the running stream, as cameras do whose settings are changed by somebody."""
        self._command({"width": width, "height": height, "fps": fps})
        self.stream = replace(self.stream, width=width, height=height, fps=fps)

    def replace(self, stream: Stream) -> None:
        """Another stream at the same address; whoever watches is sent away."""
        self._command({"settings": asdict(stream)})
        self.stream = stream

    def _command(self, order: Mapping[str, Any]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        assert self._answer() == "done"

    def _answer(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        answer = self._process.stdout.readline().strip()
        assert answer, "the RTSP server ended; what it wrote stands above"
        return answer


def jpegs_of(video: Path, folder: Path, frames: int = 100) -> str:
    """The first frames of a video as `Stream.pictures`: written into `folder`, whose name is given back."""
    capture = cv2.VideoCapture(str(video))
    folder.mkdir(parents=True)
    for number in range(frames):
        good, image = capture.read()
        if not good:
            break
        cv2.imwrite(str(folder / f"{number:05d}.jpg"), image)
    capture.release()
    return str(folder)
