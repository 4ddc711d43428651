"""The real program, from a picture to a receiver: alarms, cameras that are down, a reload, and being killed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

from runtime.events.deliveries import Deliveries
from runtime.events.store import EventStore
from tests.rig.mjpeg import MjpegCamera, grey
from tests.rig.receiver import Receiver
from tests.rig.stream import Stream
from tests.stand_ins import BRIGHT, DARK

QUICK = {"stale_after": "0.5 s", "offline_after": "1 s", "recover_after": "0.3 s", "frozen_after": "60 s"}


def hook(receiver: Receiver, **more: Any) -> dict[str, Any]:
    return {"kind": "webhook", "url": receiver.url(), "allow_private": True, **more}


def whats(receiver: Receiver) -> list[tuple[str, str]]:
    with receiver.news:
        found = [json.loads(request.body) for request in receiver.requests]
    return [(each["what"], each["camera"]) for each in found]


def test_an_alarm_and_a_lost_camera_are_told(tmp_path: Path) -> None:
    camera = MjpegCamera(grey(lambda number: BRIGHT if number > 40 else DARK))
    with Receiver() as receiver, Receiver() as later, camera:
        cameras = {"gate": {"detect": camera.url(), "blindness": QUICK}}
        more = {"down_after": "1 s", "up_after": "0.5 s"}
        with Stream(tmp_path, cameras, sinks={"phone": hook(receiver)}, **more) as stream:
            receiver.until(1)
            assert whats(receiver) == [("raised", "here/gate")]
            stream.configure(cameras, sinks={"phone": hook(receiver), "late": hook(later, events=False)}, **more)
            stream.send(signal.SIGHUP)
            stream.until(lambda: any(entry["event"] == "reloaded" for entry in stream.log))
            camera.stop()
            stream.until(lambda: ("down", "here/gate") in whats(receiver))
            camera.restart()
            stream.until(lambda: ("up", "here/gate") in whats(receiver))
            assert stream.end() == 0
        assert whats(later) == [("down", "here/gate"), ("up", "here/gate")]
    told = whats(receiver)
    assert told.count(("down", "here/gate")) == told.count(("up", "here/gate")) == 1
    assert told.count(("raised", "here/gate")) == told.count(("cleared", "here/gate")) >= 1


def test_a_stream_that_is_killed_tells_all_of_it_after_the_next_start(tmp_path: Path) -> None:
    with Receiver() as receiver, MjpegCamera(grey(lambda number: BRIGHT)) as camera:
        cameras = {"gate": {"detect": camera.url()}}
        sinks = {"phone": hook(receiver), "log": {"kind": "jsonl", "path": "lines.jsonl"}}
        for run in (1, 2, 3):
            with Stream(tmp_path, cameras, sinks=sinks) as stream:
                # Killed before it noted that the notice arrived, it tells the same once more.
                stream.until(lambda run=run: len({id for id in receiver.ids() if id.endswith(":raised")}) >= run)
                os.kill(stream.process.pid, signal.SIGKILL)
        with Stream(tmp_path, cameras, sinks=sinks) as stream:
            stream.until_looks("gate")
            assert stream.end() == 0
    with EventStore(tmp_path / "events.sqlite") as store:
        events = store.events()
    with Deliveries(tmp_path / "events.sqlite", read_only=True) as deliveries:
        rows: dict[str, list[str]] = {"phone": [], "log": []}
        for each in deliveries.find():
            rows[each.sink].append(each.notice.id)
            assert each.state == "delivered"
    assert list(dict.fromkeys(receiver.ids())) == rows["phone"]
    lines = [json.loads(line)["id"] for line in (tmp_path / "lines.jsonl").read_text().splitlines()]
    assert list(dict.fromkeys(lines)) == rows["log"] == rows["phone"]
    assert {id.partition(":")[0] for id in rows["phone"]} == {event.id for event in events}
    assert len(events) >= 3
