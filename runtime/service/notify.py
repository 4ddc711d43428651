"""Tells systemd how the watch is: ready, reloading, stopping, and that its main loop still beats.

The protocol is sd_notify(3): one datagram of KEY=value lines to the socket that NOTIFY_SOCKET names.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping

from runtime.service.redaction import redact_text

# The manager reads at once; when it does not, the watch must not wait for it.
_SEND_TIMEOUT_S = 0.5
_MICROSECONDS = 1_000_000


class Systemd:
    """The service manager; where none started this process, nothing is sent.

    `environment` and `pid`: of this process. `clock`: CLOCK_MONOTONIC in seconds, which is what time.monotonic() reads
    on Linux.
    """

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        pid: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        environment = os.environ if environment is None else environment
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._clock = clock
        self._watchdog_s = _watchdog_s(environment, os.getpid() if pid is None else pid)
        self._next_beat_s = float("-inf")

    @property
    def present(self) -> bool:
        """Whether there is a manager to tell."""
        return self._address is not None

    def ready(self) -> None:
        """The start, or a reload, is done."""
        self._send("READY=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`; passwords are taken out."""
        # A line break would begin another message, READY=1 say.
        self._send(f"STATUS={' '.join(redact_text(text).split())}")

    def reloading(self) -> None:
        """SIGHUP was heard; `ready` follows when the new settings are in force. Type=notify-reload wants the time."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={int(self._clock() * _MICROSECONDS)}")

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1")

    def beat(self) -> None:
        """The main loop runs. Called as often as one likes: sent twice in the watchdog's time, as systemd advises."""
        now_s = self._clock()
        if self._watchdog_s is not None and now_s >= self._next_beat_s:
            self._next_beat_s = now_s + self._watchdog_s / 2
            self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                channel.settimeout(_SEND_TIMEOUT_S)
                channel.sendto(message.encode("utf-8", "replace"), self._address)
        except OSError:
            # The manager restarts, or we are out of files: the watch goes on, and the next beat may get through.
            return


def _address(name: str) -> str | None:
    """The socket's address: a path, or with @ a name that is in no folder; None where there is none."""
    if name.startswith("@"):
        return "\0" + name[1:]
    return name if name.startswith("/") else None


def _watchdog_s(environment: Mapping[str, str], pid: int) -> float | None:
    """Seconds after which systemd takes a silent process for dead; None where no watchdog is set for this one."""
    told, whose = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", str(pid))
    if not told.isdecimal() or int(told) == 0 or whose != str(pid):
        return None
    return int(told) / _MICROSECONDS
