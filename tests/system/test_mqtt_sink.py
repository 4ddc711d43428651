"""MQTT against a real broker: what is retained, what is lost and told anew, who is let in, and who has died."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from runtime.config.sinks import MqttSettings
from runtime.events.notice import Notice
from runtime.sinks import mqtt as mqtt_module
from runtime.sinks.mqtt import MqttSink
from runtime.sinks.sink import Context, Sink, Unavailable
from tests.rig.broker import Broker, Listener, needs_mosquitto
from tests.rig.certificates import make
from tests.unit.runtime.notices import AT, cleared, event, incident, raised

ROOT = Path(__file__).resolve().parents[2]
CAMERAS = {"yard/gate": ("fire",)}
STATE, STATUS, EVENTS = "box/yard/gate/fire/state", "box/status", "box/events"
FOUND = "homeassistant/binary_sensor/box_yard_gate_fire/config"
_PATIENCE_S = 20.0


@contextmanager
def opened(settings: MqttSettings, **context: Any) -> Iterator[Sink]:
    sink = MqttSink(settings, Context("phone", **{"cameras": CAMERAS, **context}))
    try:
        yield sink
    finally:
        sink.close()


def tell(sink: Sink, notice: Notice) -> None:
    """Deliver one notice, and wait until it has arrived."""
    sink.deliver(notice, ())
    sink.flush()


def mqtt(broker: Broker, **more: Any) -> MqttSettings:
    values = {"host": "127.0.0.1", "port": broker.port, "prefix": "box", "timeout": 5.0, **more}
    return MqttSettings.model_validate(values)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as broker:
        yield broker


@needs_mosquitto
def test_the_broker_is_told_of_states_and_events(broker: Broker) -> None:
    subject = event()
    with Listener(broker) as listener, opened(mqtt(broker)) as sink:
        listener.until(STATUS, "online")
        assert listener.of(STATE) == ["OFF"]
        tell(sink, raised(subject))
        listener.until(STATE, "ON", 2)
        assert Notice.from_json(listener.until(EVENTS)) == raised(subject)
        tell(sink, cleared(subject))
        listener.until(STATE, "OFF", 3)
        tell(sink, Notice.of_incident(incident("yard/gate"), AT))
        listener.until("box/yard/gate/_connection/state", "OFF")
    with Listener(broker) as late:
        # Who comes later finds all of it, and that the box has left.
        late.until(STATUS, "offline")
        assert (late.until(STATE), json.loads(late.until(FOUND))["state_topic"]) == ("OFF", STATE)
        assert late.of(EVENTS) == []


@needs_mosquitto
def test_what_was_told_before_is_still_held(broker: Broker) -> None:
    held = event()
    with Listener(broker) as listener, opened(mqtt(broker), standing=[raised(held)]) as sink:
        listener.until(STATE, "ON")
        tell(sink, cleared(held))
        listener.until(STATE, "OFF")


@needs_mosquitto
def test_a_broker_that_comes_back_with_nothing_is_told_all_of_it(broker: Broker) -> None:
    reachable = threading.Event()
    with opened(mqtt(broker, timeout=1.0), reachable=reachable.set) as sink:
        tell(sink, raised())
        assert reachable.is_set()
        broker.stop()
        reachable.clear()
        with pytest.raises(Unavailable, match=f"127.0.0.1:{broker.port}"):
            tell(sink, raised(event("yard/gate", "smoke")))
        broker.start()
        with Listener(broker) as listener:
            assert reachable.wait(_PATIENCE_S)
            listener.until(STATUS, "online")
            listener.until(STATE, "ON")
            assert listener.until(FOUND)
            again = raised(event("yard/gate", "smoke"))
            tell(sink, again)
            assert json.loads(listener.until(EVENTS))["id"] == again.id


@needs_mosquitto
def test_a_broker_that_does_not_acknowledge_is_not_believed(broker: Broker) -> None:
    with Listener(broker) as listener, opened(mqtt(broker, timeout=0.5)) as sink:
        tell(sink, raised())
        broker.silence()
        notice = raised()
        with pytest.raises(Unavailable, match=r"does not acknowledge within 0\.5 s"):
            tell(sink, notice)
        broker.wake()
        deliver_at_last(sink, notice)
        heard = [json.loads(text)["id"] for text in listener.of(EVENTS)]
        # Perhaps the first attempt was taken as well.
        assert heard.count(notice.id) in (1, 2)


def deliver_at_last(sink: Sink, notice: Notice) -> None:
    for _ in range(20):
        try:
            tell(sink, notice)
        except Unavailable:
            continue
        return
    pytest.fail("never delivered")


@needs_mosquitto
def test_the_broker_tells_that_the_process_has_died(broker: Broker, tmp_path: Path) -> None:
    program = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from runtime.config.sinks import MqttSettings
from runtime.sinks.registry import open_sink
from runtime.sinks.sink import Context
sink = open_sink(MqttSettings(host="127.0.0.1", port={broker.port}, prefix="box"), Context("phone"))
sys.stdin.read()
"""
    with Listener(broker) as listener:
        process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
        try:
            listener.until(STATUS, "online")
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
        listener.until(STATUS, "offline")


@needs_mosquitto
def test_a_trial_leaves_the_watch_alone(broker: Broker) -> None:
    with Listener(broker) as listener, opened(mqtt(broker)) as watch:
        listener.until(STATUS, "online")
        with opened(mqtt(broker), trial=True) as trial:
            tell(trial, notice := Notice("x:test", "test", None, None, "info", AT, {}))
        assert json.loads(listener.until(EVENTS))["id"] == notice.id
        tell(watch, raised())
        listener.until(EVENTS, count=2)
        assert listener.of(STATUS) == ["online"]


@needs_mosquitto
def test_encrypted_with_a_password_and_a_certificate_of_our_own(tmp_path: Path) -> None:
    certificates = make(tmp_path)
    with Broker(tmp_path, "edge", "s3cr3t", certificates, asks=True) as broker:
        files = {"cert_file": certificates.client, "key_file": certificates.client_key}
        good: dict[str, Any] = {
            "host": "localhost",
            "tls": True,
            "user": "edge",
            "password": SecretStr("s3cr3t"),
            "ca_file": certificates.authority,
            **files,
        }
        with Listener(broker) as listener, opened(mqtt(broker, **good)) as sink:
            tell(sink, notice := raised())
            assert json.loads(listener.until(EVENTS))["id"] == notice.id
        for wrong in ({"password": SecretStr("other")}, {"ca_file": None}, {"cert_file": None, "key_file": None}):
            with (
                opened(mqtt(broker, **{**good, **wrong, "timeout": 1.0})) as sink,
                pytest.raises(Unavailable, match="no connection") as caught,
            ):
                tell(sink, raised())
            assert "s3cr3t" not in str(caught.value)
            assert "other" not in str(caught.value)


@needs_mosquitto
def test_what_fails_while_the_broker_is_greeted_is_told_and_tried_anew(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Iterator[tuple[str, str]]:
        raise RuntimeError("no version")

    with monkeypatch.context() as broken:
        broken.setattr(mqtt_module, "discovery", fail)
        with opened(mqtt(broker, timeout=0.5)) as sink:
            with pytest.raises(Unavailable, match="RuntimeError: no version"):
                tell(sink, raised())
            broken.undo()
            deliver_at_last(sink, raised())


def test_a_broker_that_is_not_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    settings = MqttSettings(host="127.0.0.1", port=port, timeout=0.5)
    with opened(settings) as sink, pytest.raises(Unavailable, match=f"no connection to 127.0.0.1:{port}"):
        tell(sink, raised())
