"""A program that is called by HTTP, as a thread of the test: it answers as it is told, late, or never."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.rig.certificates import Certificates

_PATIENCE_S = 30.0
# Closes the connection without a word; answers nothing and keeps it open until the end.
HANG_UP, NEVER = 0, -1


@dataclass(frozen=True)
class Request:
    """What came. Header names are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["idempotency-key"]


@dataclass(frozen=True)
class Reply:
    """A code (HANG_UP, NEVER), headers, and how long it takes."""

    code: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    after_s: float = 0.0


class Receiver:
    """On loopback, as a context manager. `reply` makes the answer to each request; `requests` came, in order."""

    def __init__(
        self, reply: Callable[[Request], Reply] | None = None, certificates: Certificates | None = None
    ) -> None:
        self.reply = reply or (lambda request: Reply())
        self.requests: list[Request] = []
        self.connections = 0
        self.news = threading.Condition()
        self.ending = threading.Event()
        self._server = _Server(self)
        if certificates is not None:
            self._server.socket = certificates.context().wrap_socket(self._server.socket, server_side=True)
        self._scheme = "https" if certificates is not None else "http"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ending.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://{host}:{self.port}/hook?from=yard"

    def ids(self) -> list[str]:
        """Of the notices that came, in order."""
        with self.news:
            return [request.id for request in self.requests]

    def until(self, count: int) -> list[Request]:
        """Wait for so many requests."""
        until_s = time.monotonic() + _PATIENCE_S
        with self.news:
            while len(self.requests) < count:
                left_s = until_s - time.monotonic()
                assert left_s > 0, f"{len(self.requests)} of {count} came"
                self.news.wait(left_s)
            return list(self.requests)


def in_turn(*replies: Reply) -> Callable[[Request], Reply]:
    """These answers, one after the other; then the last for ever."""
    left: Iterator[Reply] = iter(replies)
    lock = threading.Lock()

    def reply(request: Request) -> Reply:
        with lock:
            return next(left, replies[-1])

    return reply


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        super().__init__(("127.0.0.1", 0), _Exchange)

    def handle_error(self, request: Any, client_address: Any) -> None:
        logging.getLogger(__name__).debug("a client went away", exc_info=True)


class _Exchange(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        self.server.receiver.connections += 1
        super().setup()

    def do_POST(self) -> None:
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers["Content-Length"]))
        json.loads(body)
        request = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        reply = receiver.reply(request)
        with receiver.news:
            receiver.requests.append(request)
            receiver.news.notify_all()
        if reply.code == NEVER:
            receiver.ending.wait(_PATIENCE_S)
        if reply.code <= 0 or receiver.ending.wait(reply.after_s):
            self.close_connection = True
            return
        self.send_response(reply.code)
        for name, value in {"Content-Length": "0", **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        logging.getLogger(__name__).debug(format, *args)
