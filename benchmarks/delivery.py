"""How fast an alarm reaches a broker, and what a storm of alarms does to that.

Frames: the stream (a stand-in for the network that takes no time) watches an HTTP camera on loopback that shows fire
now and then. Told: from the capture of the frame that raised the alarm to the receipt by a subscriber of a real MQTT
broker. Its parts: until it was judged (decoding, waiting for a batch, judging), and from there (the commit to the disk,
the courier, the broker, the subscriber).

Storm: 10,000 events a minute, each raised and cleared, written as the journal does, with a courier to the broker in the
same process. Told: how long the commit of each took and how long until the subscriber had it, for the first and the
last quarter of the minute; and whether anything was lost.

    python -m benchmarks.delivery [--events N] [--seconds S] [--json]

mosquitto is needed (make packages), and a quiet machine.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.command_line import Parser, exit_code
from runtime.config.sinks import MqttSettings
from runtime.delivery.office import Office
from runtime.events import scores
from runtime.events.event import Event
from runtime.events.journal import utc_now
from runtime.events.notice import Notice
from runtime.events.store import EventStore
from runtime.moment import iso
from runtime.service.logs import Log
from tests.rig.broker import Broker
from tests.rig.mjpeg import MjpegCamera, grey
from tests.rig.stream import Stream
from tests.stand_ins import BRIGHT, DARK
from tests.unit.runtime.notices import event

_A_MINUTE = 10_000
_FPS, _FRAMES = 25.0, 25
_PATIENCE_S = 600.0
_RULE = {"window": "500 ms", "min_looks": 3, "quiet": "400 ms", "cooldown": "10 ms"}
# A subscriber in a process of its own: it prints when it heard of each notice, by the wall clock.
_SUBSCRIBER = """
import json, sys, time
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

def hear(client, data, message):
    now = time.time()
    print(json.loads(message.payload)["id"], now, flush=True)

client = Client(CallbackAPIVersion.VERSION2)
client.on_connect = lambda client, *_: client.subscribe("edge-resnet/events", 0)
client.on_subscribe = lambda *_: print("ready", flush=True)
client.on_message = hear
client.connect("127.0.0.1", int(sys.argv[1]))
client.loop_forever()
"""


class Subscriber:
    """`heard`: when each notice came first (seconds of the wall clock), by its id; a context manager."""

    def __init__(self, broker: Broker) -> None:
        self.heard: dict[str, float] = {}
        self._broker, self._news = broker, threading.Condition()

    def __enter__(self) -> Subscriber:
        command = [sys.executable, "-c", _SUBSCRIBER, str(self._broker.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        # Read all the time: a pipe that is full would stop the subscriber.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def until(self, count: int) -> None:
        """Wait until so many notices were heard of; not for ever, for that some are lost is a result too."""
        until_s = time.monotonic() + _PATIENCE_S
        with self._news:
            while len(self.heard) < count and time.monotonic() < until_s:
                self._news.wait(1.0)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            id, at = line.split()
            with self._news:
                self.heard.setdefault(id, float(at))
                self._news.notify_all()


def main() -> None:
    """Measure and print."""
    parser = Parser("delivery", __doc__)
    parser.add_argument("--events", type=int, default=100, help="alarms of the camera")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the storm lasts")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with _place() as (folder, broker):
        frames = of_frames(folder, broker, options.events)
    with _place() as (folder, broker):
        storm = of_a_storm(folder, broker, options.seconds)
    answer = {"frames": frames, "storm": storm}
    print(json.dumps(answer, indent=None if options.json else 2))


def of_frames(folder: Path, broker: Broker, events: int) -> dict[str, Any]:
    """From the frame to the receipt, in milliseconds."""
    flicker = grey(lambda number: BRIGHT if number // _FRAMES % 2 else DARK)
    sinks = {"broker": {"kind": "mqtt", "host": "127.0.0.1", "port": broker.port}}
    with Subscriber(broker) as subscriber, MjpegCamera(flicker, fps=_FPS) as camera:
        cameras = {"gate": {"detect": camera.url(), "rate": "10/s"}}
        with Stream(folder, cameras, sinks=sinks, alarms={"fire": _RULE}) as stream:
            subscriber.until(2 * events)
            stream.end()
    with EventStore(folder / "events.sqlite") as store:
        rows = [_parts(store, event, subscriber.heard[f"{event.id}:raised"]) for event in store.events()[:events]]
    judged, told = zip(*rows, strict=True)
    return {
        "events": len(rows),
        "total": _quantiles([one + other for one, other in rows]),
        "frame_to_judgement": _quantiles(judged),
        "judgement_to_receipt": _quantiles(told),
    }


def _parts(store: EventStore, event: Event, heard: float) -> tuple[float, float]:
    """Milliseconds from the frame to the judgement, and from there to the receipt."""
    (piece,) = scores.read(store.database, event.run, event.camera, event.raised_s, event.raised_s)[-1:]
    (age_s,) = [look.age_s for look in piece.looks if abs(look.time_s - event.raised_s) < 1e-3]
    assert age_s is not None
    return 1000 * age_s, 1000 * (heard - datetime.fromisoformat(event.created_at).timestamp())


def of_a_storm(folder: Path, broker: Broker, seconds: float) -> dict[str, Any]:
    """Commits and receipts of 10,000 events a minute, in milliseconds."""
    path = folder / "events.sqlite"
    store = EventStore(path)
    settings = MqttSettings(kind="mqtt", host="127.0.0.1", port=broker.port)
    office = Office(path, {"broker": settings}, {"gate": ("fire",)}, Log())
    office.start()
    events, wrote, commits = int(_A_MINUTE * seconds / 60), {}, []
    with Subscriber(broker) as subscriber:
        begin_s = time.perf_counter()
        for number in range(events):
            time.sleep(max(0.0, begin_s + number * 60 / _A_MINUTE - time.perf_counter()))
            raised = _event()
            for subject in (raised, replace(raised, ended_s=2.0)):
                notice = Notice.of_event(subject, subject.created_at)
                before_s = time.perf_counter()
                (store.add if subject is raised else store.update)(subject, notice, office.route(notice))
                commits.append(1000 * (time.perf_counter() - before_s))
                wrote[notice.id] = time.time()
                office.ring()
        took_s = time.perf_counter() - begin_s
        subscriber.until(2 * events)
        receipts = [1000 * (subscriber.heard[id] - at) for id, at in wrote.items() if id in subscriber.heard]
    office.close(10.0)
    store.close()
    quarter = len(receipts) // 4
    return {
        "events": events,
        "seconds": round(took_s, 1),
        "lost": len(set(wrote) - set(subscriber.heard)),
        "commit": {"first_quarter": _quantiles(commits[:quarter]), "last_quarter": _quantiles(commits[-quarter:])},
        "receipt": {"first_quarter": _quantiles(receipts[:quarter]), "last_quarter": _quantiles(receipts[-quarter:])},
    }


def _event() -> Event:
    now = iso(utc_now())
    return event("gate", raised_at=now, created_at=now)


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    """In milliseconds."""
    ordered = sorted(values)
    return {
        "p50": round(statistics.median(ordered), 1),
        "p99": round(ordered[int(0.99 * (len(ordered) - 1))], 1),
        "max": round(ordered[-1], 1),
    }


@contextmanager
def _place() -> Iterator[tuple[Path, Broker]]:
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder)) as broker:
        yield Path(folder), broker


if __name__ == "__main__":
    sys.exit(exit_code(main))
