"""A real broker of MQTT (mosquitto) and whoever listens there; it can be stopped, silenced and begun with nothing."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tests.rig.certificates import Certificates

_PROGRAM = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
_PATIENCE_S = 20.0

needs_mosquitto = pytest.mark.skipif(not Path(_PROGRAM).exists(), reason="no broker: apt-get install mosquitto")


class Broker:
    """A broker on loopback, as a context manager; it keeps nothing on the disk. Its port stays its own.

    With a `user` it asks for the password; with `certificates` it encrypts, and with `asks` wants the client's too.
    """

    def __init__(
        self,
        folder: Path,
        user: str = "",
        password: str = "",
        certificates: Certificates | None = None,
        asks: bool = False,
    ) -> None:
        self.user, self.password, self.certificates = user, password, certificates
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        lines = [f"listener {self.port} 127.0.0.1", "persistence false", f"allow_anonymous {str(not user).lower()}"]
        # A listener of a test may be slow; by default a broker forgets what waits for it beyond a thousand.
        lines += ["max_queued_messages 0", "max_inflight_messages 0"]
        if user:
            self._passwords = folder / "passwords"
            subprocess.run(["mosquitto_passwd", "-b", "-c", self._passwords, user, password], check=True)
            self._passwords.chmod(0o644)
            lines.append(f"password_file {self._passwords}")
        if certificates is not None:
            lines += [f"certfile {certificates.server}", f"keyfile {certificates.server_key}"]
            lines += [f"cafile {certificates.authority}", f"require_certificate {str(asks).lower()}"]
        self._file = folder / "mosquitto.conf"
        self._file.write_text("\n".join([*lines, "user root"]) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Broker:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin with an empty store, and wait until it listens."""
        self._process = subprocess.Popen(
            [_PROGRAM, "-c", self._file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until_s = time.monotonic() + _PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1.0).close()
            except OSError:
                assert self._process.poll() is None, "mosquitto ended"
                assert time.monotonic() < until_s, "mosquitto does not listen"
                threading.Event().wait(0.02)
            else:
                return

    def stop(self) -> None:
        """As when its power is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def silence(self) -> None:
        """Connections stay, and nothing is answered any more."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """It goes on where it was silenced."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


class Listener:
    """Hears all that a broker is told, from now on, as a context manager.

    `messages`: (topic, payload, retained), in order; `retained` of those that were there before.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._news = threading.Condition()
        self._subscribed = threading.Event()
        self.messages: list[tuple[str, str, bool]] = []
        self._client = Client(CallbackAPIVersion.VERSION2)
        if broker.user:
            self._client.username_pw_set(broker.user, broker.password)
        if broker.certificates is not None:
            files = broker.certificates
            self._client.tls_set(str(files.authority), str(files.client), str(files.client_key))
        self._client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._hear

    def __enter__(self) -> Listener:
        self._client.connect("127.0.0.1" if self._broker.certificates is None else "localhost", self._broker.port)
        self._client.loop_start()
        assert self._subscribed.wait(_PATIENCE_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def of(self, topic: str) -> list[str]:
        """What was told under a topic."""
        with self._news:
            return [payload for where, payload, _ in self.messages if where == topic]

    def until(self, topic: str, payload: str | None = None, count: int = 1) -> str:
        """Wait until something was told under a topic so many times, lastly `payload`; the last of it."""
        until_s = time.monotonic() + _PATIENCE_S
        with self._news:
            while True:
                heard = [what for where, what, _ in self.messages if where == topic]
                if len(heard) >= count and payload in (None, heard[-1]):
                    return heard[-1]
                left_s = until_s - time.monotonic()
                assert left_s > 0, f"{topic} never {payload or 'told'}; {self.messages[-10:]}"
                self._news.wait(left_s)

    def _hear(self, client: Client, data: Any, message: MQTTMessage) -> None:
        with self._news:
            self.messages.append((message.topic, message.payload.decode(), bool(message.retain)))
            self._news.notify_all()
