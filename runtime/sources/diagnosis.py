"""Why a stream does not open: OpenCV says only that it does not, so its server is asked once more, in plain words."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import secrets
import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import parse_http_list, parse_keqv_list

from runtime.sources.address import Address
from runtime.sources.outage import Outage, Reason

# For all of it, beside the name's look-up, which has the resolver's own limits.
DIAGNOSIS_S = 3.0
# Even when the time is over: 0 would mean not to wait at all, and another error.
_LEAST_S = 0.05
_MAX_ANSWER_BYTES = 16384
_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443, "rtmp": 1935, "rtmps": 443, "tcp": 0}
_ASKED = {"rtsp", "rtsps", "http", "https"}
_ENCRYPTED = {"rtsps", "https"}
_MEMORY = "no memory is left on this box; watch fewer cameras, or end other programs"
_LACKING = {
    errno.EMFILE: "this program has as many files open as it may; raise ulimit -n, or watch fewer cameras",
    errno.ENFILE: "this box has as many files open as it may; raise fs.file-max, or watch fewer cameras",
    errno.ENOMEM: _MEMORY,
    errno.ENOBUFS: _MEMORY,
    errno.EAGAIN: "this box has no more connections or threads to give; watch fewer cameras, or end other programs",
}

# RTSP 453 and HTTP 503 are what cameras answer that have as many viewers as they bear.
_STATUS: dict[int, tuple[Reason, str]] = {
    401: ("unauthorised", "check user and password"),
    403: ("unauthorised", "this user may not watch; give him the right to on the camera"),
    404: ("not_found", "the camera has no such stream; check the path behind the host"),
    410: ("not_found", "the camera has no such stream; check the path behind the host"),
    453: ("busy", "the camera has too many viewers; close one"),
    503: ("busy", "the camera has too many viewers; close one"),
}


def diagnose(address: Address, open_timeout_s: float, took_s: float) -> Outage:
    """Why `address` (a URL) did not open within `open_timeout_s`, after `took_s` seconds; about 3 s at most."""
    if lack := short_of_resources(address.name):
        return lack
    timed_out = took_s >= 0.9 * open_timeout_s
    url = urlsplit(address.target)
    host, port = url.hostname, url.port or _PORTS.get(url.scheme.lower(), 0)
    if not host or not port:
        reason: Reason = "timeout" if timed_out else "codec"
        return Outage(address.name, reason, "nothing came that can be decoded; is it being sent?")
    deadline_s = time.monotonic() + DIAGNOSIS_S
    try:
        connection = _connect(host, port, deadline_s)
    except OSError as error:
        return _not_connected(address.name, error, host, port)
    with connection:
        if url.scheme.lower() in _ASKED and (found := _ask(connection, url, port, deadline_s)):
            return Outage(address.name, *found)
    if timed_out:
        return Outage(address.name, "timeout", f"it answers, but sent no video in {took_s:.0f} s; restart the camera")
    return Outage(address.name, "codec", "it sends no video that can be decoded; set it to H.264, H.265 or MJPEG")


def short_of_resources(camera: str, error: OSError | None = None) -> Outage | None:
    """The outage of a box that is out of files or memory, if it is (or if `error` says so)."""
    if error is None:
        try:
            # Two, since a stream takes more than one, and it may just have given some back.
            for each in [os.open(os.devnull, os.O_RDONLY), os.open(os.devnull, os.O_RDONLY)]:
                os.close(each)
        except OSError as found:
            error = found
    advice = _LACKING.get(error.errno or 0) if error is not None else None
    return None if advice is None else Outage(camera, "resources", advice)


def _not_connected(camera: str, error: OSError, host: str, port: int) -> Outage:
    if lack := short_of_resources(camera, error):
        return lack
    if isinstance(error, TimeoutError):
        return Outage(
            camera, "timeout", f"{host} port {port} does not answer; is it on, does a firewall stand between?"
        )
    if isinstance(error, ConnectionRefusedError):
        return Outage(
            camera, "refused", f"nobody listens on {host} port {port}; is the port right, is it still starting?"
        )
    if isinstance(error, socket.gaierror):
        return Outage(camera, "unreachable", f"no such host: {host}; check the name, or give the number (192.168.1.10)")
    return Outage(camera, "unreachable", f"no way to {host} ({os.strerror(error.errno or 0)}); check the network")


def _connect(host: str, port: int, deadline_s: float) -> socket.socket:
    return socket.create_connection((host, port), timeout=max(_LEAST_S, deadline_s - time.monotonic()))


def _ask(connection: socket.socket, url: SplitResult, port: int, deadline_s: float) -> tuple[Reason, str] | None:
    """What is wrong by the server's own answer; None when it says that all is well."""
    request, host = _Request(url), url.hostname or ""
    try:
        with _encrypted(connection, url) as channel:
            answer = _exchange(channel, request.text(""), deadline_s)
        if answer.status == 401 and request.user is not None and (challenge := answer.challenge()):
            # Anew, since many servers close a connection that they have refused.
            with _encrypted(_connect(host, port, deadline_s), url) as channel:
                answer = _exchange(channel, request.text(request.login(challenge)), deadline_s)
    except TimeoutError:
        return "timeout", "it takes the connection and says nothing; restart the camera"
    except (OSError, ValueError, IndexError):
        return "gone", "it closes the connection without an answer; is it the right port?"
    if answer.status < 400:
        return None
    return _STATUS.get(answer.status, ("refused", f"it answers with error {answer.status}; see the camera's own log"))


def _encrypted(connection: socket.socket, url: SplitResult) -> socket.socket:
    return (
        _tls().wrap_socket(connection, server_hostname=url.hostname) if url.scheme.lower() in _ENCRYPTED else connection
    )


def _tls() -> ssl.SSLContext:
    # As FFmpeg does: cameras sign their certificates themselves.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass(frozen=True)
class _Answer:
    status: int
    head: str

    def challenge(self) -> str:
        """How the server wants to be told the password: Digest if it may be, since that keeps it secret."""
        lines = [line.partition(":") for line in self.head.splitlines()]
        offered = [value.strip() for key, _, value in lines if key.strip().lower() == "www-authenticate"]
        return min(offered, key=lambda value: not value.lower().startswith("digest"), default="")


def _exchange(connection: socket.socket, request: str, deadline_s: float) -> _Answer:
    """Send a request and read the head of its answer.

    Raises TimeoutError; of what is no answer OSError, ValueError, IndexError.
    """
    connection.settimeout(max(_LEAST_S, deadline_s - time.monotonic()))
    connection.sendall(request.encode())
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _MAX_ANSWER_BYTES:
        connection.settimeout(max(_LEAST_S, deadline_s - time.monotonic()))
        piece = connection.recv(4096)
        if not piece:
            break
        head += piece
    text = head.decode("latin-1")
    return _Answer(int(text.split(None, 2)[1]), text.partition("\r\n\r\n")[0])


class _Request:
    """DESCRIBE of RTSP, GET of HTTP. The password goes only to the server of the URL, never into a message."""

    def __init__(self, url: SplitResult) -> None:
        self.user = None if url.username is None else unquote(url.username)
        self._password = unquote(url.password or "")
        self._rtsp = url.scheme.lower() in {"rtsp", "rtsps"}
        self._method = "DESCRIBE" if self._rtsp else "GET"
        place = url.netloc.rpartition("@")[2]
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        self._uri = f"{url.scheme}://{place}{path}" if self._rtsp else path
        self._host = place
        self._number = 0

    def text(self, login: str) -> str:
        self._number += 1
        lines = [f"{self._method} {self._uri} {'RTSP/1.0' if self._rtsp else 'HTTP/1.1'}"]
        lines += [f"CSeq: {self._number}", "Accept: application/sdp"] if self._rtsp else [f"Host: {self._host}"]
        if login:
            lines.append(f"Authorization: {login}")
        return "\r\n".join([*lines, "", ""])

    def login(self, challenge: str) -> str:
        """The answer to a challenge: basic or digest with MD5 (RFC 7617, RFC 2617)."""
        kind, _, rest = challenge.partition(" ")
        if kind.lower() != "digest":
            return "Basic " + base64.b64encode(f"{self.user}:{self._password}".encode()).decode()
        asked = parse_keqv_list(parse_http_list(rest))
        realm, nonce = asked.get("realm", ""), asked.get("nonce", "")
        secret = _md5(f"{self.user}:{realm}:{self._password}")
        action = _md5(f"{self._method}:{self._uri}")
        fields = {"username": str(self.user), "realm": realm, "nonce": nonce, "uri": self._uri}
        if "opaque" in asked:
            fields["opaque"] = asked["opaque"]
        if "auth" in asked.get("qop", "").replace(",", " ").split():
            mine = secrets.token_hex(8)
            fields["response"] = _md5(f"{secret}:{nonce}:00000001:{mine}:auth:{action}")
            end = f', qop=auth, nc=00000001, cnonce="{mine}"'
        else:
            fields["response"] = _md5(f"{secret}:{nonce}:{action}")
            end = ""
        return "Digest " + ", ".join(f'{key}="{value}"' for key, value in fields.items()) + end


def _md5(text: str) -> str:
    # The scheme of RFC 2617 is made of MD5; nothing else relies on it.
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
