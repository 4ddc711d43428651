"""From the store to real receivers: nothing lost, in order, whatever is slow, down or killed; and the commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, TypeAdapter

from runtime.config.sinks import AnySink, SinkSettings
from runtime.delivery import courier, queue
from runtime.delivery.office import Office
from runtime.events.deliveries import Deliveries
from runtime.events.store import EventStore
from runtime.service.logs import Log
from tests.commands import edge_resnet
from tests.rig.broker import Broker, Listener, needs_mosquitto
from tests.rig.mailbox import Mailbox
from tests.rig.receiver import NEVER, Receiver, Reply, in_turn
from tests.unit.runtime.notices import add, event, raised

ROOT = Path(__file__).resolve().parents[2]
CAMERAS = {"yard/gate": ("fire",)}
_PATIENCE_S = 30.0
# A stream of alarms and the delivery of them, until it is killed.
_PROGRAM = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from pydantic import SecretStr
from runtime.config.sinks import JsonlSettings, WebhookSettings
from runtime.delivery.office import Office
from runtime.events.store import EventStore
from runtime.service.logs import Log
from tests.unit.runtime.notices import event, raised

hook = WebhookSettings(url=SecretStr({url!r}), allow_private=True)
store = EventStore(Path({store!r}))
office = Office(store.path, {{"hook": hook, "log": JsonlSettings(path=Path({log!r}))}}, {{}}, Log(for_people=False))
office.start()
while True:
    subject = event()
    store.add(subject, raised(subject), ["hook", "log"])
    office.ring()
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    with EventStore(tmp_path / "events.sqlite") as store:
        yield store


@contextmanager
def office(store: Path, **sinks: SinkSettings) -> Iterator[Office]:
    opened = Office(store, sinks, CAMERAS, Log(for_people=False))
    opened.start()
    try:
        yield opened
    finally:
        opened.close(0.0)


def sink(kind: str, **settings: Any) -> SinkSettings:
    made: SinkSettings = TypeAdapter(AnySink).validate_python({"kind": kind, **settings})
    return made


def hook(receiver: Receiver, **more: Any) -> SinkSettings:
    return sink("webhook", url=SecretStr(receiver.url()), allow_private=True, **more)


def lines(path: Path) -> list[str]:
    """The ids in a file of JSON lines, but for what was torn."""
    if not path.exists():
        return []
    found = []
    for line in path.read_text().splitlines():
        try:
            found.append(json.loads(line)["id"])
        except ValueError:
            continue
    return found


def until(holds: Callable[[], bool]) -> None:
    until_s = time.monotonic() + _PATIENCE_S
    while not holds():
        assert time.monotonic() < until_s, "it never came to be"
        threading.Event().wait(0.01)


def states(store: Path, sink: str) -> Mapping[str, int]:
    with Deliveries(store, read_only=True) as deliveries:
        return {count.sink: vars(count) for count in deliveries.counts()}[sink]


def once_each(ids: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(ids))


def test_a_thousand_are_delivered_in_order(store: EventStore, tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    with store.together():
        ids = [notice.id for notice in add(store, 1000, ["hook", "log"])]
    with Receiver() as receiver, office(store.path, hook=hook(receiver), log=sink("jsonl", path=path)):
        receiver.until(1000)
        until(lambda: states(store.path, "hook")["delivered"] == states(store.path, "log")["delivered"] == 1000)
    assert receiver.ids() == ids
    assert lines(path) == ids


def test_a_receiver_that_fails_is_tried_again_and_order_is_kept(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "pause_s", lambda failures, chance: 0.01)
    reply = in_turn(Reply(204), Reply(500), Reply(NEVER), Reply(503), Reply(204))
    ids = [notice.id for notice in add(store, 4, ["hook"])]
    with Receiver(reply) as receiver, office(store.path, hook=hook(receiver, read_timeout=0.2)):
        receiver.until(7)
        until(lambda: states(store.path, "hook")["delivered"] == 4)
    assert receiver.ids() == [ids[0], *[ids[1]] * 4, *ids[2:]]
    with Deliveries(store.path, read_only=True) as deliveries:
        assert [each.attempts for each in deliveries.find()] == [1, 4, 1, 1]


def test_a_slow_receiver_delays_nobody(store: EventStore, tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    with Receiver(in_turn(Reply(NEVER))) as stuck, Receiver() as quick:
        sinks = {"stuck": hook(stuck), "quick": hook(quick), "log": sink("jsonl", path=path)}
        with office(store.path, **sinks) as opened:
            ids = [notice.id for notice in add(store, 50, list(sinks))]
            opened.ring()
            quick.until(50)
            until(lambda: len(lines(path)) == 50)
            # All the while one request was not answered, and no other was made.
            assert stuck.until(1)[0].id == ids[0]
            assert len(stuck.requests) == 1
            assert opened.status()["stuck"].pending == 50
            stuck.ending.set()
    assert quick.ids() == ids


@pytest.mark.slow
def test_a_process_that_is_killed_loses_nothing(store: EventStore, tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    with Receiver() as receiver:
        values = {"root": str(ROOT), "url": receiver.url(), "store": str(store.path), "log": str(path)}
        program = _PROGRAM.format(**values)
        for more in (1, 30, 7):
            begun = len(receiver.requests)
            process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.DEVNULL)
            try:
                receiver.until(begun + more)
            finally:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
        written = [f"{event.id}:raised" for event in store.events()]
        with office(store.path, hook=hook(receiver), log=sink("jsonl", path=path)):
            until(lambda: states(store.path, "hook")["pending"] == states(store.path, "log")["pending"] == 0)
    assert len(written) >= 38
    assert once_each(receiver.ids()) == written
    assert once_each(lines(path)) == written


@needs_mosquitto
def test_what_happens_while_the_broker_is_down_is_told_when_it_is_back(store: EventStore, tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        settings = sink("mqtt", host="127.0.0.1", port=broker.port, timeout=0.5)
        with office(store.path, home=settings) as opened:
            add(store, 3, ["home"])
            opened.ring()
            until(lambda: states(store.path, "home")["delivered"] == 3)
            broker.stop()
            ids = [notice.id for notice in add(store, 5, ["home"], alarm="smoke")]
            opened.ring()
            until(lambda: opened.status()["home"].pending == 5)
            broker.start()
            with Listener(broker) as listener:
                listener.until("edge-resnet/events", count=5)
                assert once_each([json.loads(text)["id"] for text in listener.of("edge-resnet/events")]) == ids
                listener.until("edge-resnet/yard/gate/smoke/state", "ON")
                # Also what it was told before, and has forgotten.
                listener.until("edge-resnet/yard/gate/fire/state", "ON")
            until(lambda: states(store.path, "home")["pending"] == 0)


def test_a_storm_of_alarms_becomes_one_mail(store: EventStore) -> None:
    with Mailbox() as mailbox:
        settings = {"host": "localhost", "port": mailbox.port, "security": "none", "fold_within": 1.0}
        mail = sink("email", **settings, sender="a@box.example", to=["b@example.org"])
        with store.together():
            notices = add(store, 30, ["office"])
        with office(store.path, office=mail):
            until(lambda: len(mailbox.mails) == 6)
        subjects = [mail["Subject"] for mail in mailbox.mails]
    worst = "worst: warning, fire raised at yard/gate"
    assert subjects == ["ALARM fire at yard/gate"] * 5 + [f"25 more in 1 second; {worst}"]
    with Deliveries(store.path, read_only=True) as deliveries:
        assert [each.notice.id for each in deliveries.find(state="folded")] == [notice.id for notice in notices[5:]]


# The commands


def configure(tmp_path: Path, **sinks: Mapping[str, Any]) -> Path:
    file = tmp_path / "cameras.yaml"
    file.write_text(json.dumps({"sites": {"yard": {"cameras": {"gate": {"detect": "0"}}}}, "sinks": sinks}))
    return file


def test_each_sink_is_tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Receiver() as good, Receiver(in_turn(Reply(404))) as bad:
        url = {"kind": "webhook", "allow_private": True}
        file = configure(
            tmp_path,
            good={**url, "url": good.url()},
            bad={**url, "url": bad.url(), "min_severity": "critical"},
            log={"kind": "jsonl", "path": "lines.jsonl"},
        )
        outcome = edge_resnet(capsys, "deliveries", "test", file)
        assert outcome.code == 1
        first, second, third = outcome.out.splitlines()
        assert first.startswith("good (webhook): arrived after ")
        assert second == "bad (webhook): FAILED: the answer was 404 Not Found"
        assert third.startswith("log (jsonl): arrived")
        (request,) = good.until(1)
        assert json.loads(request.body)["what"] == "test"

        outcome = edge_resnet(capsys, "deliveries", "test", file, "log", "--json")
        assert outcome.code == 0
        (tried,) = outcome.answer["sinks"]
        assert (tried["sink"], tried["arrived"], outcome.answer["failed"]) == ("log", True, 0)
        assert lines(tmp_path / "lines.jsonl")[-1] == tried["notice"]
    assert "no sink lgo; there are good, bad, log" in edge_resnet(capsys, "deliveries", "test", file, "lgo").mistake
    assert "no sinks" in edge_resnet(capsys, "deliveries", "test", configure(tmp_path)).mistake


def test_dead_letters_are_shown_and_sent_again(
    store: EventStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "IDLE_S", 0.05)
    events = ("--events", store.path)
    with (
        Receiver(in_turn(Reply(404), Reply(410), Reply(204))) as receiver,
        office(store.path, hook=hook(receiver)) as opened,
    ):
        first, second, _ = (notice.id for notice in add(store, 3, ["hook"]))
        opened.ring()
        receiver.until(3)
        until(lambda: states(store.path, "hook")["delivered"] == 1)

        outcome = edge_resnet(capsys, "deliveries", "list", "--json", *events)
        (counts,) = outcome.answer["sinks"]
        assert (counts["dead"], counts["delivered"], counts["pending"]) == (2, 1, 0)
        dead = outcome.answer["deliveries"]
        assert [each["error"] for each in dead] == ["the answer was 404 Not Found", "the answer was 410 Gone"]
        shown = edge_resnet(capsys, "deliveries", "list", "--state", "dead", *events).out
        assert "ALARM fire" in shown
        assert "410" in shown

        # The courier of the running office finds it by itself.
        assert edge_resnet(capsys, "deliveries", "resend", dead[1]["id"], *events).code == 0
        assert receiver.until(4)[-1].id == second
        outcome = edge_resnet(capsys, "deliveries", "resend", "--sink", "hook", "--json", *events)
        assert outcome.answer == {"resent": 1}
        assert receiver.until(5)[-1].id == first
        until(lambda: states(store.path, "hook")["delivered"] == 3)
    assert edge_resnet(capsys, "deliveries", "resend", "--all-dead", *events).out == "0 dead letters to be delivered\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["list", "--sink", "nobody"], "has no deliveries of this sink; there are phone"),
        (["list", "--state", "gone"], "--state gone: takes pending, delivered, dead, folded"),
        (["resend"], "name what is to be sent"),
        (["resend", "1", "--all-dead"], "name what is to be sent"),
        (["resend", "1"], "1: no dead letter"),
        (["resend", "--sink", "nobody"], "there are phone"),
    ],
)
def test_a_mistake_is_told(
    arguments: list[str], told: str, store: EventStore, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = event()
    store.add(subject, raised(subject), ["phone"])
    assert told in edge_resnet(capsys, "deliveries", *arguments, "--events", store.path).mistake


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("list", "resend --all-dead"):
        assert edge_resnet(capsys, "deliveries", *command.split(), "--events", tmp_path / "none.sqlite").code == 2
    assert list(tmp_path.iterdir()) == []
