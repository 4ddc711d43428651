"""A bad network between a camera and its viewer: a TCP proxy that stalls, cuts, corrupts, truncates or throttles."""

from __future__ import annotations

import contextlib
import random
import selectors
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType

_CHUNK_BYTES = 16384
_POLL_S = 0.05
# Close with a reset, as a router that forgets the connection does, not with a polite end.
_RESET = struct.pack("ii", 1, 0)

# Of a piece and the places in it that may be damaged, in order: what is sent in its place.
Damage = Callable[[bytes, list[int]], bytes]


def _whole(piece: bytes, _: list[int]) -> bytes:
    return piece


class _Interleaved:
    """Follows RTSP over TCP (RFC 2326, 10.12): where in what a camera sends is the payload of RTP packets."""

    _RTP_HEADER_BYTES = 12

    def __init__(self) -> None:
        self._head = b""
        self._left = 0
        self._protected = 0

    def payload(self, piece: bytes) -> list[int]:
        """Places in `piece`; none where no RTSP is spoken."""
        places = []
        for place, value in enumerate(piece):
            if self._left:
                self._left -= 1
                if self._protected:
                    self._protected -= 1
                else:
                    places.append(place)
            elif self._head or value == ord("$"):
                self._head += bytes([value])
                if len(self._head) == 4:
                    self._left = int.from_bytes(self._head[2:], "big")
                    self._protected = self._RTP_HEADER_BYTES
                    self._head = b""
        return places


class Proxy:
    """Forwards connections to `port` of this machine; what the camera sends may be damaged on its way, by pieces."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.passed_bytes = 0
        self._damage: Damage = _whole
        self._flowing = threading.Event()
        self._flowing.set()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, name="proxy")]

    def __enter__(self) -> Proxy:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._flowing.set()
        self.cut()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def through(self, url: str) -> str:
        """The URL of the camera, by way of this proxy."""
        return url.replace(f":{self._target}/", f":{self.port}/")

    def heal(self) -> None:
        """Pass everything as it is."""
        self._damage = _whole
        self._flowing.set()

    def stall(self) -> None:
        """Half-open: connections stay, also new ones are taken, but not a byte more goes through."""
        self._flowing.clear()

    def cut(self) -> None:
        """Reset every connection; new ones are served."""
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    each.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def corrupt(self, share: float, seed: int = 0, framing: bool = False) -> None:
        """Replace this share of the payload that the camera sends by other bytes; with `framing`, of everything."""
        choice = random.Random(seed)

        def damage(piece: bytes, payload: list[int]) -> bytes:
            damaged = bytearray(piece)
            places = range(len(piece)) if framing else payload
            for place in places:
                if choice.random() < share:
                    damaged[place] = choice.randrange(256)
            return bytes(damaged)

        self._damage = damage

    def truncate(self, share: float, seed: int = 0) -> None:
        """Cut the end off this share of the pieces; the stream loses its step."""
        choice = random.Random(seed)
        self._damage = lambda piece, _: piece[: choice.randrange(len(piece))] if choice.random() < share else piece

    def throttle(self, bytes_per_s: float) -> None:
        """A thin line."""

        def damage(piece: bytes, _: list[int]) -> bytes:
            self._closing.wait(len(piece) / bytes_per_s)
            return piece

        self._damage = damage

    def rewrite(self, old: bytes, new: bytes) -> None:
        """Replace text of the conversation, such as what the camera says of its stream. As long as what it replaces."""
        assert len(old) == len(new)
        self._damage = lambda piece, _: piece.replace(old, new)

    def _accept(self) -> None:
        self._listener.settimeout(_POLL_S)
        while not self._closing.is_set():
            try:
                viewer, _ = self._listener.accept()
            except TimeoutError:
                continue
            thread = threading.Thread(target=self._serve, args=(viewer,), name="proxy connection")
            self._threads.append(thread)
            thread.start()

    def _serve(self, viewer: socket.socket) -> None:
        with viewer:
            while not self._flowing.wait(_POLL_S):
                if self._closing.is_set():
                    return
            try:
                camera = socket.create_connection(("127.0.0.1", self._target), timeout=5.0)
            except OSError:
                return
            with camera:
                camera.settimeout(None)
                with self._lock:
                    self._open += [viewer, camera]
                with contextlib.suppress(OSError):
                    self._forward(viewer, camera)

    def _forward(self, viewer: socket.socket, camera: socket.socket) -> None:
        track = _Interleaved()
        with selectors.DefaultSelector() as ready:
            ready.register(viewer, selectors.EVENT_READ, camera)
            ready.register(camera, selectors.EVENT_READ, viewer)
            while not self._closing.is_set():
                if not self._flowing.wait(_POLL_S):
                    continue
                for key, _ in ready.select(_POLL_S):
                    source = key.fileobj
                    assert isinstance(source, socket.socket)
                    piece = source.recv(_CHUNK_BYTES)
                    if not piece:
                        return
                    if source is camera:
                        piece = self._damage(piece, track.payload(piece))
                        self.passed_bytes += len(piece)
                    key.data.sendall(piece)
