"""The HTTP server of --metrics: /metrics for Prometheus, /healthz and /readyz for whoever restarts or routes.

It never takes part in the watch: the main loop leaves a heartbeat and a snapshot here, and goes on. A client that is
slow, silent or one of many costs a thread for some seconds, and keeps no other client waiting.
"""

from __future__ import annotations

import errno
import json
import math
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer, TCPServer, ThreadingMixIn
from typing import Any

from prometheus_client.exposition import choose_encoder

from edge_resnet.errors import UserError
from runtime.service.metrics import Metrics
from runtime.service.redaction import redact_text
from runtime.service.status import BoxStatus, CameraStatus

Clock = Callable[[], float]

# The main loop goes round several times a second; so long without a beat, it hangs.
BEATS_WITHIN_S = 10.0
# A whole exchange takes milliseconds; a client that takes longer is hung up on.
_PATIENCE_S = 5.0
# Prometheus, a load balancer and a person are a handful.
_MOST_CONNECTIONS = 16
_BREATH_S = 0.1
_LISTEN = re.compile(r"(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\[\]:/@\s]+)):([0-9]{1,5})")
_HIGHEST_PORT = 65535


@dataclass(frozen=True)
class Listen:
    """Where to listen. `port` 0: a free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Listen:
        """Understand HOST:PORT, of IPv6 [HOST]:PORT. Raises UserError."""
        found = _LISTEN.fullmatch(text)
        if found is None or int(found[3]) > _HIGHEST_PORT:
            raise UserError(
                f"--metrics {redact_text(text)}: no HOST:PORT; write 127.0.0.1:9108, [::1]:9108, "
                "or 0.0.0.0:9108 for all networks of this machine"
            )
        return cls(found[1] or found[2], int(found[3]))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Health:
    """What the server answers from; the main thread calls `beat` and `publish`, which cost nothing.

    Healthy: the main loop has beaten within `beats_within_s` (to be made is to beat once). Ready: healthy, a backend
    runs, and at least one camera is live. `clock`: seconds from any start.
    """

    def __init__(self, metrics: Metrics, beats_within_s: float = BEATS_WITHIN_S, clock: Clock = time.monotonic) -> None:
        self._metrics, self._clock, self._beats_within_s = metrics, clock, beats_within_s
        self._beaten_s = clock()
        self._status: BoxStatus | None = None

    def beat(self) -> None:
        """The main loop goes round."""
        self._beaten_s = self._clock()

    def publish(self, status: BoxStatus) -> None:
        """How the watch stands now."""
        self._status = status

    def answer(self, path: str, accept: str) -> Answer:
        """The answer to a request; `accept`: the formats that the client understands."""
        match path.partition("?")[0]:
            case "/metrics":
                encode, content_type = choose_encoder(accept)
                return Answer(HTTPStatus.OK, content_type, encode(self._metrics.registry))
            case "/healthz":
                silent_s = self._clock() - self._beaten_s
                why = self._hanging(silent_s)
                return Answer.of_json(not why, {"healthy": not why, "why": why, "silent_s": round(silent_s, 1)})
            case "/readyz":
                why = self._not_ready()
                return Answer.of_json(not why, {"ready": not why, "why": why, **_summary(self._status)})
            case _:
                return Answer(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"/metrics /healthz /readyz\n")

    def _hanging(self, silent_s: float) -> list[str]:
        return [] if silent_s < self._beats_within_s else [f"the main loop is silent for {silent_s:.0f} s"]

    def _not_ready(self) -> list[str]:
        why, status = self._hanging(self._clock() - self._beaten_s), self._status
        if status is None or not status.backend:
            why.append("no backend runs")
        if status is None or not any(camera.state == "live" for camera in status.cameras):
            why.append("no camera is live")
        return why


@dataclass(frozen=True)
class Answer:
    """What goes back to a client."""

    code: HTTPStatus
    content_type: str
    body: bytes

    @classmethod
    def of_json(cls, well: bool, value: dict[str, Any]) -> Answer:
        """200 or 503, with the reason in JSON."""
        code = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
        return cls(code, "application/json", json.dumps(value, allow_nan=False).encode() + b"\n")


class HealthServer(ThreadingMixIn, TCPServer):
    """Answers from a Health on threads of its own, from its making until `close`.

    Raises UserError when it cannot listen there.
    """

    daemon_threads = True
    # Not waited for at the end either: each of them is hung up on.
    block_on_close = False
    # After a restart, the port of the connections of before is free at once.
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, listen: Listen, health: Health, patience_s: float = _PATIENCE_S) -> None:
        """`patience_s`: how long a client may take, from connecting to its last byte."""
        self.health = health
        self._patience_s = patience_s
        self._lock = threading.Lock()
        # Open connections, the oldest first, and when they came.
        self._open: dict[socket.socket, float] = {}
        self._closing = threading.Event()
        self.address_family, address = _resolve(listen)
        try:
            super().__init__(address, _Request)
        except (OSError, OverflowError) as error:
            raise UserError(f"--metrics {listen}: {_why_not(error)}") from error
        self.port: int = self.server_address[1]
        self._thread = threading.Thread(target=self.serve_forever, args=(_BREATH_S,), name="health", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and hang up on everybody. May be called twice."""
        if self._closing.is_set():
            return
        self._closing.set()
        self.shutdown()
        self.server_close()
        self._hang_up(before_s=math.inf)
        self._thread.join()

    def get_request(self) -> tuple[socket.socket, Any]:
        try:
            return super().get_request()
        except OSError:
            # Out of file descriptors, accept fails at once, again and again: do not burn a core until there is one.
            self._closing.wait(_BREATH_S)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            full = len(self._open) >= _MOST_CONNECTIONS
            oldest = min(self._open.values(), default=0.0)
            self._open[request] = time.monotonic()
        if full:
            # Whoever comes anew is more likely to have something to ask than who is here the longest.
            self._hang_up(before_s=oldest)
        super().process_request(request, client_address)

    def service_actions(self) -> None:
        self._hang_up(before_s=time.monotonic() - self._patience_s)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that left or a thread too many is none of the watch's business."""

    def _hang_up(self, before_s: float) -> None:
        """End the connections that came no later than then; their threads see it and finish."""
        with self._lock:
            late = [request for request, came_s in self._open.items() if came_s <= before_s]
            for request in late:
                del self._open[request]
                try:
                    request.shutdown(socket.SHUT_RDWR)
                except OSError:
                    # It is gone already.
                    continue


class _Request(BaseHTTPRequestHandler):
    """One request: HTTP/1.0, so that no connection outlives it."""

    server_version, sys_version = "edge-resnet", ""

    def __init__(self, request: Any, client_address: Any, server: BaseServer) -> None:
        assert isinstance(server, HealthServer)
        self._health = server.health
        super().__init__(request, client_address, server)

    def do_GET(self) -> None:
        self._answer(self._health.answer(self.path, self.headers.get("Accept", "")))

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self._answer(Answer(HTTPStatus.METHOD_NOT_ALLOWED, "text/plain; charset=utf-8", b"GET and HEAD only\n"))

    do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_POST

    def _answer(self, answer: Answer) -> None:
        self.send_response(answer.code)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        if answer.code == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a line for each scrape helps nobody."""


def _resolve(listen: Listen) -> tuple[socket.AddressFamily, Any]:
    try:
        found = socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise UserError(
            f"--metrics {listen}: {listen.host} is no address and no name that is known here; try 127.0.0.1"
        ) from error
    family, _, _, _, address = found[0]
    return family, address


def _why_not(error: Exception) -> str:
    match getattr(error, "errno", None):
        case errno.EADDRINUSE:
            return "another program listens there; name another port"
        case errno.EACCES | errno.EPERM:
            return "not allowed; ports under 1024 are the system's, name a higher one"
        case errno.EADDRNOTAVAIL:
            return "not an address of this machine; 127.0.0.1 always is, 0.0.0.0 stands for all of them"
        case _:
            return f"cannot listen there ({error})"


def _summary(status: BoxStatus | None) -> dict[str, Any]:
    if status is None:
        return {}
    return {
        "uptime_s": round(status.uptime_s, 1),
        "backend": status.backend,
        "precision": status.precision,
        "overloaded": status.overloaded,
        "cameras": [_camera(camera) for camera in status.cameras],
    }


def _camera(camera: CameraStatus) -> dict[str, Any]:
    return {
        "name": camera.name,
        "state": camera.state,
        "since_s": round(camera.since_s, 1),
        "why": redact_text(camera.why),
        "held": list(camera.held),
        "attention": camera.attention,
        "attention_why": camera.attention_why,
        "decoder": camera.decoder,
        "watched_s": round(camera.watched_s, 1),
        "blind_s": {reason: round(seconds, 1) for reason, seconds in camera.blind_s.items()},
    }
