"""Many RTSP cameras in one program: each sends stored packets in real time, by the connection that asked for it (TCP).

    python -m benchmarks.cameras.server SETTINGS.json

SETTINGS: {"fps": 25, "cameras": [{"name": ..., "plays": [[FILE.h264, first frame, frames], ...]}]}; after the last
play a camera begins with the first again. Prints {"port": ..., "zero_s": ...} once it listens: frame n of a camera is
due at zero_s + n / fps, on time.monotonic(), each camera a little later than the one before. A viewer is sent what
follows from the next key frame on. One who does not take it misses frames, up to a key frame, as with any camera. The
server ends with SIGTERM, and prints {"missed": frames}.
"""

from __future__ import annotations

import json
import selectors
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from benchmarks.cameras.rtp import CLOCK_HZ, Packets, access_units, description, packets

# Cameras are spread over the time of a frame, in so many steps: the program wakes that often, whatever they are.
_STEPS = 8
# What the system keeps for a viewer, and then this program; together a second or two of a busy main stream.
_SYSTEM_BYTES, _WAITING_BYTES = 1 << 19, 1 << 20
_HEAD_END = b"\r\n\r\n"
_READY_S = 0.2


@dataclass
class Camera:
    """What it sends: frame by frame, for ever."""

    sdp: str
    frames: Iterator[Packets]
    number: int = 0

    def next(self) -> Packets:
        self.number += 1
        return next(self.frames)


@dataclass
class Viewer:
    """A connection. `camera`: what it asked for; `playing`: is sent, from a key frame on once `joined`."""

    connection: socket.socket
    camera: str = ""
    playing: bool = False
    joined: bool = False
    sequence: int = 0
    missed: int = 0
    asked: bytes = b""
    waiting: deque[bytes] = field(default_factory=deque)

    def send(self, frame: Packets, timestamp: int) -> None:
        """A frame of its camera. Raises OSError when it is gone."""
        if sum(map(len, self.waiting)) > _WAITING_BYTES:
            self.joined = False
        if not self.joined and not frame.key:
            self.missed += self.sequence > 0
            return
        self.joined = True
        self.waiting.append(frame.stamped(self.sequence, timestamp))
        self.sequence += len(frame.headers)
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as it is taken. Raises OSError when it is gone."""
        while self.waiting:
            try:
                sent = self.connection.send(self.waiting[0])
            except BlockingIOError:
                return
            if sent < len(self.waiting[0]):
                self.waiting[0] = self.waiting[0][sent:]
                return
            self.waiting.popleft()

    def requests(self) -> Iterator[tuple[str, str, dict[str, str]]]:
        """What it asks: method, address, headers. Raises OSError when it is gone."""
        received = self.connection.recv(1 << 16)
        if not received:
            raise ConnectionResetError
        self.asked += received
        while self.asked:
            if self.asked[:1] == b"$":
                # A report of what was received (RTCP), which nobody here reads.
                length = 4 + int.from_bytes(self.asked[2:4], "big")
                if len(self.asked) < max(4, length):
                    return
                self.asked = self.asked[length:]
                continue
            head, found, rest = self.asked.partition(_HEAD_END)
            if not found:
                return
            first, *lines = head.decode(errors="replace").split("\r\n")
            pairs = (line.partition(":") for line in lines)
            headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
            self.asked = rest[int(headers.get("content-length", 0)) :]
            method, address = (*first.split(), "", "")[:2]
            yield method, address, headers


class Server:
    """All cameras, and who watches them."""

    def __init__(self, cameras: dict[str, Camera], fps: int) -> None:
        self._cameras, self._fps = cameras, fps
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._listener.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._viewers: dict[socket.socket, Viewer] = {}
        self._missed = 0
        self._ending = False

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def missed(self) -> int:
        """Frames that viewers did not take in time."""
        return self._missed + sum(viewer.missed for viewer in self._viewers.values())

    def stop(self) -> None:
        """End soon."""
        self._ending = True

    def run(self, zero_s: float) -> None:
        """Send, until told to end."""
        steps = [list(self._cameras)[step::_STEPS] for step in range(_STEPS)]
        tick = 0
        while not self._ending:
            due_s = zero_s + tick / (_STEPS * self._fps)
            while (patience_s := due_s - time.monotonic()) > 0.0 and not self._ending:
                self._listen(patience_s)
            # Also when it is late: who asks something is not to wait for the end of the delay.
            self._listen(0.0)
            for name in steps[tick % _STEPS]:
                self._send(name)
            tick += 1

    def _send(self, name: str) -> None:
        camera = self._cameras[name]
        timestamp = camera.number * CLOCK_HZ // self._fps
        frame = camera.next()
        for viewer in [each for each in self._viewers.values() if each.playing and each.camera == name]:
            try:
                viewer.send(frame, timestamp)
            except OSError:
                self._leave(viewer)
            else:
                self._watch(viewer)

    def _watch(self, viewer: Viewer) -> None:
        """Wake when it takes more, as long as something waits."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if viewer.waiting else 0)
        if self._selector.get_key(viewer.connection).events != events:
            self._selector.modify(viewer.connection, events)

    def _listen(self, patience_s: float) -> None:
        for key, events in self._selector.select(patience_s):
            if key.fileobj is self._listener:
                connection, _ = self._listener.accept()
                connection.setblocking(False)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SYSTEM_BYTES)
                self._viewers[connection] = Viewer(connection)
                self._selector.register(connection, selectors.EVENT_READ)
                continue
            viewer = self._viewers[key.fileobj]  # type: ignore[index]  # all others that are registered are sockets
            try:
                if events & selectors.EVENT_READ:
                    for method, address, headers in viewer.requests():
                        self._answer(viewer, method, address, headers)
                viewer.flush()
            except OSError:
                self._leave(viewer)
            else:
                self._watch(viewer)

    def _leave(self, viewer: Viewer) -> None:
        self._missed += viewer.missed
        del self._viewers[viewer.connection]
        self._selector.unregister(viewer.connection)
        viewer.connection.close()

    def _answer(self, viewer: Viewer, method: str, address: str, headers: dict[str, str]) -> None:
        """Answer one request. Raises OSError for one who leaves."""
        name = address.split("://")[-1].partition("/")[2].split("/")[0]
        status, more, body = "200 OK", ["Session: 1;timeout=60"], b""
        if method == "OPTIONS":
            more = ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"]
        elif name not in self._cameras:
            status, more = "404 Not Found", []
        elif method == "DESCRIBE":
            body = self._cameras[name].sdp.encode()
            more = [f"Content-Base: {address}/", "Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        elif method == "SETUP":
            viewer.camera = name
            if "TCP" in headers.get("transport", ""):
                more.append("Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
            else:
                status = "461 Unsupported Transport"
        elif method == "PLAY":
            viewer.playing = True
            more.append("Range: npt=now-")
        elif method not in ("GET_PARAMETER", "TEARDOWN"):
            status, more = "501 Not Implemented", []
        head = [f"RTSP/1.0 {status}", f"CSeq: {headers.get('cseq', 0)}", *more]
        viewer.waiting.append("\r\n".join(head).encode() + _HEAD_END + body)
        viewer.flush()
        if method == "TEARDOWN":
            raise ConnectionResetError


def _load(plays: Sequence[tuple[str, int, int]], pieces: dict[str, list[Packets]]) -> Iterator[Packets]:
    """The frames of these plays, again and again; each file is read and cut into packets once for all cameras."""
    for path, _, _ in plays:
        if path not in pieces:
            pieces[path] = [packets(unit) for unit in access_units(Path(path).read_bytes())]
    return (frame for path, first, count in cycle(plays) for frame in pieces[path][first : first + count])


def main() -> None:
    """Listen, tell where, and send."""
    settings = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    pieces: dict[str, list[Packets]] = {}
    path = settings["cameras"][0]["plays"][0][0]
    sdp = description(next(access_units(Path(path).read_bytes())), settings["fps"])
    cameras = {each["name"]: Camera(sdp, _load(each["plays"], pieces)) for each in settings["cameras"]}
    server = Server(cameras, settings["fps"])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    zero_s = time.monotonic() + _READY_S
    print(json.dumps({"port": server.port, "zero_s": zero_s}), flush=True)
    server.run(zero_s)
    print(json.dumps({"missed": server.missed}), flush=True)


if __name__ == "__main__":
    main()
