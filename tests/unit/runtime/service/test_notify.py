"""systemd's protocol, against a real datagram socket that stands for the manager's."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.service import notify
from runtime.service.notify import Systemd

PID = 4711


class Manager:
    """Listens where systemd would."""

    def __init__(self, address: str) -> None:
        self.channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.channel.bind(address.replace("@", "\0", 1))
        self.channel.setblocking(False)
        self.environment = {"NOTIFY_SOCKET": address}

    def heard(self) -> list[str]:
        """All datagrams since the last time."""
        messages = []
        while True:
            try:
                messages.append(self.channel.recv(4096).decode())
            except BlockingIOError:
                return messages


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    made = Manager(f"@edge-resnet-test-{os.getpid()}" if request.param == "abstract" else str(tmp_path / "notify"))
    yield made
    made.channel.close()


def test_the_life_of_a_watch_is_told_in_order(manager: Manager) -> None:
    systemd = Systemd(manager.environment, PID, clock=lambda: 12.345678)
    assert systemd.present
    systemd.status("opening the backend")
    systemd.ready()
    systemd.reloading()
    systemd.ready()
    systemd.stopping()
    assert manager.heard() == [
        "STATUS=opening the backend",
        "READY=1",
        "RELOADING=1\nMONOTONIC_USEC=12345678",
        "READY=1",
        "STOPPING=1",
    ]


def test_the_time_of_a_reload_is_that_of_the_clock_that_systemd_reads(manager: Manager) -> None:
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    Systemd(manager.environment, PID).reloading()
    told = int(manager.heard()[0].partition("MONOTONIC_USEC=")[2])
    assert before <= told <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def test_a_status_is_one_line_without_a_password(manager: Manager) -> None:
    Systemd(manager.environment, PID).status("yard\nREADY=1 rtsp://admin:hunter2@10.0.0.5/s Süd")
    assert manager.heard() == ["STATUS=yard READY=1 rtsp://***@10.0.0.5/s Süd"]


def test_the_watchdog_is_fed_twice_in_its_time_however_often_the_loop_beats(manager: Manager) -> None:
    now = [0.0]
    systemd = Systemd({**manager.environment, "WATCHDOG_USEC": "10000000"}, PID, clock=lambda: now[0])
    fed = []
    for tenth in range(201):
        now[0] = tenth / 10
        systemd.beat()
        fed += [now[0]] * len(manager.heard())
    assert fed == [0.0, 5.0, 10.0, 15.0, 20.0]


@pytest.mark.parametrize(
    ("watchdog", "fed"),
    [
        ({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(PID)}, 1),
        # Meant for another process: a shell that started us, say.
        ({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}, 0),
        ({"WATCHDOG_USEC": "0"}, 0),
        ({"WATCHDOG_USEC": "soon"}, 0),
        ({}, 0),
    ],
)
def test_the_watchdog_is_fed_only_where_it_is_ours(manager: Manager, watchdog: dict[str, str], fed: int) -> None:
    Systemd({**manager.environment, **watchdog}, PID).beat()
    assert manager.heard() == ["WATCHDOG=1"] * fed


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}])
def test_without_a_manager_nothing_is_sent(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("a socket was opened"))
    systemd = Systemd({**environment, "WATCHDOG_USEC": "1000000"}, PID)
    assert not systemd.present
    systemd.ready()
    systemd.beat()


def test_it_reads_the_environment_of_the_process(monkeypatch: pytest.MonkeyPatch, manager: Manager) -> None:
    for key, value in {**manager.environment, "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid())}.items():
        monkeypatch.setenv(key, value)
    Systemd().beat()
    assert manager.heard() == ["WATCHDOG=1"]


def test_a_manager_that_is_gone_does_not_stop_the_watch(tmp_path: Path) -> None:
    Systemd({"NOTIFY_SOCKET": str(tmp_path / "nobody")}, PID).ready()


def test_a_manager_that_does_not_read_does_not_hold_the_watch_up(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "_SEND_TIMEOUT_S", 0.001)
    systemd = Systemd(manager.environment, PID)
    # More than any socket's queue holds; this ends, and what the queue held is there.
    for _ in range(600):
        systemd.ready()
    assert 0 < len(manager.heard()) < 600


def test_systemd_s_own_client_says_the_same(manager: Manager) -> None:
    client = shutil.which("systemd-notify")
    if client is None:
        pytest.skip("systemd-notify is not installed (Debian's package: systemd)")
    subprocess.run([client, "--ready", "--no-block"], env=manager.environment, check=True, timeout=30)
    theirs = manager.heard()
    Systemd(manager.environment, PID).ready()
    assert [line for message in theirs for line in message.splitlines() if line.startswith("READY")] == manager.heard()
