"""Why a stream does not open, from the answer of a server that says what the test wants."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import Mock
from urllib.parse import urlsplit

import pytest

from runtime.service.redaction import redact_text
from runtime.sources import diagnosis
from runtime.sources.address import Address
from runtime.sources.diagnosis import diagnose, short_of_resources


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[int, list[str]]]:
    """A server that gives each connection the next of the answers and closes it: its port, and what it was asked."""
    asked: list[str] = []

    def serve() -> None:
        for answer in answers:
            connection, _ = server.accept()
            with connection:
                asked.append(connection.recv(4096).decode())
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10.0)
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], asked
        thread.join()


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"{} 401 Unauthorized\r\n\r\n", "unauthorised"),
        (b"{} 403 Forbidden\r\n\r\n", "unauthorised"),
        (b"{} 404 Not Found\r\n\r\n", "not_found"),
        (b"{} 453 Not Enough Bandwidth\r\n\r\n", "busy"),
        (b"{} 503 Service Unavailable\r\n\r\n", "busy"),
        (b"{} 500 Internal Server Error\r\n\r\n", "refused"),
        (b"{} 200 OK\r\n\r\n", "codec"),
        (b"SSH-2.0-OpenSSH_9\r\n", "gone"),
        (b"\xff\x00\xfe" * 10, "gone"),
        (b"", "gone"),
    ],
)
def test_each_answer_has_its_reason(scheme: str, answer: bytes, reason: str) -> None:
    answer = answer.replace(b"{}", b"RTSP/1.0" if scheme == "rtsp" else b"HTTP/1.1")
    with answering(answer) as (port, asked):
        outage = diagnose(Address.parse(f"{scheme}://127.0.0.1:{port}/cam"), 8.0, 0.1)
    assert outage.reason == reason
    assert "\n" not in str(outage)
    assert asked[0].startswith(f"DESCRIBE rtsp://127.0.0.1:{port}/cam" if scheme == "rtsp" else "GET /cam")


def test_one_that_answers_well_and_took_all_the_time_sent_no_video() -> None:
    with answering(b"RTSP/1.0 200 OK\r\n\r\n") as (port, _):
        assert diagnose(Address.parse(f"rtsp://127.0.0.1:{port}/cam"), 8.0, 8.0).reason == "timeout"


def test_a_password_is_told_only_to_who_asks_and_the_second_answer_counts() -> None:
    challenge = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="camera"\r\n\r\n'
    with answering(challenge, b"HTTP/1.1 404 Not Found\r\n\r\n") as (port, asked):
        outage = diagnose(Address.parse(f"http://admin:s3%3Acr3t@127.0.0.1:{port}/cam"), 8.0, 0.1)
    assert outage.reason == "not_found"
    assert "Authorization" not in asked[0]
    # admin:s3:cr3t in base 64.
    assert "Authorization: Basic YWRtaW46czM6Y3IzdA==\r\n" in asked[1]
    assert "s3" not in str(outage)


def test_digest_is_preferred_and_as_in_its_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    # The example of RFC 2617, 3.5.
    monkeypatch.setattr(diagnosis.secrets, "token_hex", lambda size: "0a4f113b")
    digest = (
        'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    head = f'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\nWWW-Authenticate: {digest}'
    challenge = diagnosis._Answer(401, head).challenge()
    assert challenge == digest
    request = diagnosis._Request(urlsplit("http://Mufasa:Circle%20Of%20Life@127.0.0.1/dir/index.html"))
    login = request.login(challenge)
    assert 'response="6629fae49393a05397450978507c4ef1"' in login
    assert login.startswith('Digest username="Mufasa", ')
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in login
    assert "qop=auth, nc=00000001" in login


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EMFILE, "raise ulimit -n"),
        (errno.ENFILE, "raise fs.file-max"),
        (errno.ENOMEM, "no memory is left"),
        (errno.EAGAIN, "no more connections or threads"),
    ],
)
def test_a_box_that_lacks_something_is_told_from_a_camera_that_fails(number: int, advice: str) -> None:
    outage = short_of_resources("yard", OSError(number, "x"))
    assert outage is not None
    assert outage.reason == "resources"
    assert str(outage).lower().count("resource") == 1
    assert advice in outage.advice
    assert outage.why == f"resources; {outage.advice}"
    assert short_of_resources("yard", OSError(errno.ECONNREFUSED, "x")) is None
    assert short_of_resources("yard") is None


@pytest.mark.parametrize(
    "rest",
    [
        "x",
        "x?token=s3cr3t&sig=s3cr3t",
        "x?s3cr3t#s3cr3t",
        "user=a_password=s3cr3t",
        "x?channel",
        "x?channel=2&s3cr3t==",
    ],
)
@pytest.mark.parametrize("user", ["", "admin:s3cr3t@", "admin:s3:cr3t@"])
@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_the_log_leaves_an_outage_as_it_is(scheme: str, user: str, rest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    address = Address.parse(f"{scheme}://{user}10.0.0.4:1/{rest}")
    for failure in (ConnectionRefusedError(), TimeoutError(), socket.gaierror(), OSError(errno.ENETUNREACH, "x")):
        monkeypatch.setattr(diagnosis, "_connect", Mock(side_effect=failure))
        outage = diagnose(address, 8.0, 0.1)
        line = f"{outage} (camera {address.name}: {outage.why})"
        assert redact_text(line) == line
        assert f"{address.name}: " in line
        assert "cr3t" not in line
