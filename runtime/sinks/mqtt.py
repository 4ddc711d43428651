"""A broker of MQTT: states that are retained, every notice as JSON, and what Home Assistant finds by itself.

Whatever is retained is published anew with each connection, for the broker may have lost it.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from runtime.config.sinks import MqttSettings
from runtime.events.notice import Notice
from runtime.sinks.home_assistant import discovery
from runtime.sinks.sink import Context, Sink, Unavailable
from runtime.sinks.topics import OFFLINE, ONLINE, States, Topics

_PORT, _TLS_PORT = 1883, 8883
# At least once: the broker acknowledges.
_QOS = 1
_KEEPALIVE_S = 30
_MOST_IN_FLIGHT = 1000
# The pauses of the library between two attempts to connect.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1, 30
# A farewell is worth no more.
_FAREWELL_S = 2.0


class MqttSink(Sink):
    """A connection that the library keeps up on a thread of its own; made anew when the broker fell silent.

    Raises OSError, ssl.SSLError for certificates that cannot be read.
    """

    def __init__(self, settings: MqttSettings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._topics = Topics(settings.prefix)
        self._states = States()
        for notice in context.standing:
            self._states.told(notice)
        # What is published after a state has changed must not be followed by what it was before.
        self._order = threading.Lock()
        # What the broker is still to acknowledge; one after the other it would take a round trip each.
        self._sent: list[MQTTMessageInfo] = []
        self._tls = _tls(settings)
        self._link = self._connect()

    def deliver(self, notice: Notice, pictures: Sequence[Path]) -> None:
        if not self._link.up.wait(self._settings.timeout):
            why = self._link.why
            # The library's thread may have ended.
            self._anew()
            raise Unavailable(f"no connection to {self._place} ({why})")
        with self._order:
            self._states.told(notice)
            states = self._states.touched(notice, self._topics)
            self._sent += [self._link.publish(topic, state, retain=True) for topic, state in states]
            self._sent.append(self._link.publish(self._topics.events, notice.to_json(), retain=False))

    def flush(self) -> None:
        sent, self._sent = self._sent, []
        until_s = time.monotonic() + self._settings.timeout
        if not all(_acknowledged(each, until_s) for each in sent):
            # The library would send these once more beside those of the next attempt.
            self._anew()
            raise Unavailable(f"{self._place} does not acknowledge within {self._settings.timeout:g} s")

    def close(self) -> None:
        if not self._context.trial and self._link.up.is_set():
            with suppress(RuntimeError, ValueError):
                gone = self._link.publish(self._topics.status, OFFLINE, retain=True)
                gone.wait_for_publish(_FAREWELL_S)
        self._link.end()

    @property
    def _place(self) -> str:
        return f"{self._settings.host}:{self._port}"

    @property
    def _port(self) -> int:
        return self._settings.port or (_TLS_PORT if self._settings.tls else _PORT)

    def _anew(self) -> None:
        self._link.end()
        self._link = self._connect()

    def _connect(self) -> _Link:
        settings = self._settings
        own = settings.client_id or f"{settings.prefix}-{self._context.name}".replace("/", "-")
        # A broker sends away who was there with the same id.
        client = Client(CallbackAPIVersion.VERSION2, client_id=f"{own}-trial" if self._context.trial else own)
        if settings.user is not None:
            password = None if settings.password is None else settings.password.get_secret_value()
            client.username_pw_set(settings.user, password)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        if not self._context.trial:
            client.will_set(self._topics.status, OFFLINE, _QOS, retain=True)
        # All that is on its way at once; the library's own 20 would make the rest wait for a round trip.
        client.max_inflight_messages_set(_MOST_IN_FLIGHT)
        client.connect_timeout = settings.timeout
        client.reconnect_delay_set(_FIRST_PAUSE_S, _LONGEST_PAUSE_S)
        return _Link(client, settings.host, self._port, self._greet)

    def _greet(self, link: _Link) -> None:
        """The connection stands, perhaps to a broker that knows nothing of us."""
        if not self._context.trial:
            with self._order:
                for topic, payload in self._retained():
                    link.publish(topic, payload, retain=True)
        self._context.reachable()

    def _retained(self) -> Iterator[tuple[str, str]]:
        cameras = self._context.cameras
        if self._settings.discovery is not None:
            yield from discovery(self._settings.discovery, self._topics, cameras)
        yield from self._states.of(self._topics, cameras)
        yield self._topics.status, ONLINE


class _Link:
    """One client of the library and its thread, from the attempt to connect to the end. `up`: it is connected.

    `greet` is called with each connection, on that thread.
    """

    def __init__(self, client: Client, host: str, port: int, greet: Callable[[_Link], None]) -> None:
        self.up, self._down = threading.Event(), threading.Event()
        self.why = "no answer"
        self._client, self._greet = client, greet
        client.on_socket_open = _hurry
        client.on_connect = self._connected
        client.on_connect_fail = self._failed
        client.on_disconnect = self._disconnected
        client.connect_async(host, port, _KEEPALIVE_S)
        client.loop_start()

    def publish(self, topic: str, payload: str, retain: bool) -> MQTTMessageInfo:
        return self._client.publish(topic, payload, _QOS, retain)

    def end(self) -> None:
        """Disconnect, whether or not the broker still listens; what it did not acknowledge is forgotten."""
        connection = self._client.socket()
        self._client.disconnect()
        if isinstance(connection, socket.socket) and not self._down.wait(_FAREWELL_S):
            # The library would wait for what it cannot send any more.
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._client.loop_stop()

    def _connected(
        self, client: Client, data: Any, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self.why = str(reason)
            return
        self._down.clear()
        try:
            self._greet(self)
        except Exception as error:
            # What is raised here ends the library's thread, and it would never connect again.
            self.why = f"{type(error).__name__}: {error}"
            client.disconnect()
            return
        self.up.set()

    def _failed(self, client: Client, data: Any) -> None:
        self.why = "it cannot be reached"

    def _disconnected(
        self, client: Client, data: Any, flags: DisconnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if self.up.is_set():
            self.why = str(reason)
        self.up.clear()
        self._down.set()


def _hurry(client: Client, data: Any, connection: Any) -> None:
    """Send what is small at once: by default it waits for the acknowledgement of what went before, 40 ms each time."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _acknowledged(sent: MQTTMessageInfo, until_s: float) -> bool:
    try:
        sent.wait_for_publish(max(0.0, until_s - time.monotonic()))
    except (RuntimeError, ValueError):
        # The connection broke before it was sent.
        return False
    return sent.is_published()


def _tls(settings: MqttSettings) -> ssl.SSLContext | None:
    if not settings.tls:
        return None
    context = ssl.create_default_context(cafile=settings.ca_file)
    if settings.cert_file is not None:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    return context
