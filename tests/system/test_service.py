"""What a watch tells of itself, over real sockets and at a real terminal; and clients that misbehave."""

from __future__ import annotations

import errno
import json
import os
import pty
import resource
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from edge_resnet.errors import UserError
from runtime.service import health
from runtime.service.health import Answer, Health, HealthServer, Listen
from runtime.service.metrics import Metrics
from tests.unit.runtime.service.statuses import box, camera

ROOT = Path(__file__).resolve().parents[2]
LOOPBACK = Listen("127.0.0.1", 0)
# Longer than anything here takes, where only a failure would wait.
_DEADLINE_S = 30.0
# Patience that does not end within a test.
_NEVER_S = 3600.0
Serve = Callable[..., HealthServer]


@pytest.fixture
def metrics() -> Metrics:
    made = Metrics()
    made.update(box(camera()))
    return made


@pytest.fixture
def serve(metrics: Metrics) -> Iterator[Serve]:
    servers: list[HealthServer] = []

    def start(listen: Listen = LOOPBACK, patience_s: float = _NEVER_S, answers: Health | None = None) -> HealthServer:
        servers.append(HealthServer(listen, answers or Health(metrics), patience_s))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def get(server: HealthServer, path: str = "/healthz", method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection(server.server_address[0], server.port, timeout=_DEADLINE_S)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def connect(server: HealthServer) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", server.port), timeout=_DEADLINE_S)
    client.settimeout(_DEADLINE_S)
    return client


def wait_until(holds: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(int(_DEADLINE_S / 0.02)):
        if holds():
            return
        waiting.wait(0.02)
    pytest.fail("it never came to be")


def serving_threads() -> int:
    return sum("process_request_thread" in thread.name for thread in threading.enumerate())


def test_prometheus_finds_the_metrics(serve: Serve, metrics: Metrics) -> None:
    server = serve()
    metrics.classified("yard/gate", 0.1)
    code, headers, body = get(server, "/metrics")
    assert code == 200
    assert headers["Content-Type"].startswith("text/plain; version=")
    values = {
        sample.name: sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if sample.labels == {"camera": "yard/gate"}
    }
    assert values["edge_resnet_frames_classified_total"] == 1


def test_promtool_accepts_what_is_served(serve: Serve) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian's package: prometheus)")
    body = get(serve(), "/metrics")[2]
    done = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_health_and_readiness_are_told_by_their_codes(serve: Serve, metrics: Metrics) -> None:
    answers = Health(metrics)
    server = serve(answers=answers)
    assert get(server, "/healthz")[0] == 200
    assert get(server, "/readyz")[0] == 503
    answers.publish(box(camera()))
    code, headers, body = get(server, "/readyz")
    assert (code, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(body)["cameras"][0]["name"] == "yard/gate"


def test_head_has_the_headers_and_no_body(serve: Serve) -> None:
    client = connect(serve())
    client.sendall(b"HEAD /healthz HTTP/1.0\r\n\r\n")
    answer = b""
    while chunk := client.recv(4096):
        answer += chunk
    client.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200")
    assert b"Content-Length: " in head
    assert body == b""


def test_nothing_can_be_changed_and_nothing_else_is_there(serve: Serve) -> None:
    server = serve()
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        code, headers, _ = get(server, "/metrics", method)
        assert (code, headers["Allow"]) == (405, "GET, HEAD")
    assert get(server, "/../../etc/passwd")[0] == 404
    # Neither Python's version nor the library's.
    assert get(server)[1]["Server"].strip() == "edge-resnet"


def test_clients_that_say_nothing_keep_nobody_waiting(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_MOST_CONNECTIONS", 4)
    server = serve()
    silent = [connect(server) for _ in range(12)]
    assert get(server)[0] == 200
    # The oldest were hung up on, so that there are never many threads.
    for client in silent[:8]:
        assert client.recv(1) == b""
    wait_until(lambda: serving_threads() <= 4)
    for client in silent:
        client.close()


@pytest.mark.parametrize("said", [b"", b"GET /metr", b"GET /metrics HTTP/1.1\r\nHost: x\r\n"])
def test_a_client_that_does_not_finish_is_hung_up_on(serve: Serve, said: bytes) -> None:
    client = connect(serve(patience_s=0.05))
    client.sendall(said)
    assert client.recv(1) == b""
    client.close()


def test_a_client_that_sends_a_byte_now_and_then_is_hung_up_on_too(serve: Serve) -> None:
    client = connect(serve(patience_s=0.05))
    with pytest.raises(OSError):  # noqa: PT011 - a reset or a broken pipe, as it happens.
        while True:
            client.sendall(b"G")
            threading.Event().wait(0.01)
    client.close()


def test_a_client_that_does_not_read_is_hung_up_on(serve: Serve, metrics: Metrics) -> None:
    class Long(Health):
        def answer(self, path: str, accept: str) -> Answer:
            return Answer(super().answer(path, accept).code, "text/plain", bytes(100_000_000))

    client = connect(serve(patience_s=0.05, answers=Long(metrics)))
    client.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
    client.recv(1)
    wait_until(lambda: serving_threads() == 0)
    client.close()


def test_a_broken_request_is_refused_and_the_server_lives(serve: Serve) -> None:
    server = serve()
    for broken in (b"\x16\x03\x01\x00\xa5\x01\x00", b"GET\r\n\r\n", b"G" * 100_000, b"GET / HTTP/9.9\r\n\r\n"):
        client = connect(server)
        try:
            client.sendall(broken)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                continue
        except OSError:
            # Reset, since not all of it was read.
            continue
        finally:
            client.close()
    assert get(server)[0] == 200


def test_out_of_file_descriptors_it_waits_and_comes_back(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve()
    breaths = threading.Semaphore(0)
    monkeypatch.setattr(server, "_closing", type("Breath", (), {"wait": lambda self, s: breaths.release()})())
    client = socket.socket()
    client.settimeout(_DEADLINE_S)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    # No number below this is free.
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        client.connect(("127.0.0.1", server.port))
        # Each accept that fails is followed by a breath.
        for _ in range(3):
            assert breaths.acquire(timeout=_DEADLINE_S)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        monkeypatch.undo()
    client.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert client.recv(12) == b"HTTP/1.0 200"
    client.close()


def test_a_port_that_is_taken_is_told_in_a_line(serve: Serve) -> None:
    taken = serve().port
    with pytest.raises(UserError, match=f"--metrics 127.0.0.1:{taken}: another program listens there"):
        serve(Listen("127.0.0.1", taken))


def test_an_address_that_is_not_ours_is_told_in_a_line(serve: Serve) -> None:
    # 192.0.2.0/24 is for documentation: no machine has it.
    with pytest.raises(UserError, match=r"--metrics 192\.0\.2\.1:9108: not an address of this machine"):
        serve(Listen("192.0.2.1", 9108))


def test_a_port_that_is_not_allowed_is_told_in_a_line(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tests may run as root, to whom every port is allowed.
    def refuse(self: HealthServer) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(HealthServer, "server_bind", refuse)
    with pytest.raises(UserError, match=r"--metrics 127\.0\.0\.1:80: not allowed; ports under 1024"):
        serve(Listen("127.0.0.1", 80))


def test_a_name_that_nobody_knows_is_told_in_a_line(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(UserError, match="--metrics nobody:9108: nobody is no address"):
        serve(Listen("nobody", 9108))


def test_it_listens_on_ipv6_too(serve: Serve) -> None:
    try:
        server = serve(Listen("::1", 0))
    except UserError as error:
        pytest.skip(f"no IPv6 here: {error}")
    assert get(server)[0] == 200


def test_after_the_end_the_port_is_free_and_nobody_is_kept(serve: Serve) -> None:
    server = serve()
    client = connect(server)
    assert get(server)[0] == 200
    server.close()
    server.close()
    assert client.recv(1) == b""
    client.close()
    wait_until(lambda: serving_threads() == 0)
    assert not any(thread.name == "health" for thread in threading.enumerate())
    assert get(serve(Listen("127.0.0.1", server.port)))[0] == 200


_WATCH = """
from runtime.service.logs import Log
from runtime.service.status import BoxStatus, CameraStatus
from runtime.service.table import StatusTable
log = Log()
with StatusTable() as table:
    table.show(BoxStatus((CameraStatus("yard/gate", "live", 5.0),), 60.0, "openvino", "fp16"))
    log.warning("camera lost", camera="yard/door", reason="timeout", url="rtsp://admin:hunter2@10.0.0.5/s")
    print("standard output is left alone")
"""


def run_watch(stderr: int) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "xterm", "COLUMNS": "120", "LINES": "30"}
    return subprocess.run(
        [sys.executable, "-c", _WATCH], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=stderr, check=True
    )


def test_at_a_terminal_people_see_a_table_and_lines_above_it() -> None:
    ours, theirs = pty.openpty()
    done = run_watch(theirs)
    os.close(theirs)
    seen = b""
    # At its end a terminal gives EIO, not an empty read.
    with suppress(OSError):
        while chunk := os.read(ours, 65536):
            seen += chunk
    os.close(ours)
    assert done.stdout == b"standard output is left alone\n"
    shown = seen.decode()
    assert "hunter2" not in shown
    assert "camera lost camera=yard/door reason=timeout url=rtsp://***@10.0.0.5/s" in shown
    last = shown[shown.index("camera lost") :]
    assert "yard/gate" in last
    assert "openvino fp16" in last


def test_elsewhere_a_log_reads_json_and_no_table() -> None:
    done = run_watch(subprocess.PIPE)
    (line,) = done.stderr.splitlines()
    told = json.loads(line)
    assert (told["event"], told["camera"], told["url"]) == ("camera lost", "yard/door", "rtsp://***@10.0.0.5/s")
