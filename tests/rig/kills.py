"""A stream that raises alarms without end, killed at random moments; and whether everybody was told of all of them."""

from __future__ import annotations

import json
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from runtime.events.store import EventStore
from tests.rig.mjpeg import MjpegCamera, grey
from tests.rig.stream import Stream
from tests.stand_ins import BRIGHT, DARK

_FPS = 25.0
# Fire for so many frames, then as many without: an event begins and one ends every other second.
_FRAMES = 20
_RULE = {"window": "300 ms", "min_looks": 2, "quiet": "200 ms", "cooldown": "10 ms"}
_LONGEST_S = 3.0


class Ear:
    """A receiver of webhooks on loopback, as a context manager: `ids` counts what it took, by the notice's id.

    Now and then it takes a notice and answers with an error, as if its answer had been lost.
    """

    def __init__(self, seed: int) -> None:
        self.ids: Counter[str] = Counter()
        dice, lock = random.Random(seed), threading.Lock()
        ear = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    ear.ids[body["id"]] += 1
                    lost = dice.random() < 0.1
                self.send_response(500 if lost else 204)
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/alarms"

    def __enter__(self) -> Ear:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def alarming(folder: Path, ear: Ear) -> Iterator[Stream]:
    """A stream, not yet begun, of a camera that shows fire every other moment, with a webhook and a file to tell."""
    flicker = grey(lambda number: BRIGHT if number // _FRAMES % 2 else DARK)
    with MjpegCamera(flicker, fps=_FPS) as camera:
        yield Stream(
            folder,
            {"gate": {"detect": camera.url(), "rate": "10/s"}},
            alarms={"fire": _RULE},
            sinks={
                "phone": {"kind": "webhook", "url": ear.url, "allow_private": True},
                "log": {"kind": "jsonl", "path": "told.jsonl"},
            },
        )


def kill(stream: Stream, seed: int) -> None:
    """Begin the stream and kill it at a random moment after its first look, as a power cut would."""
    with stream:
        stream.until_looks("gate")
        # Not a wait for something to happen: the moment is what is random.
        threading.Event().wait(random.Random(seed).uniform(0.0, _LONGEST_S))
        stream.send(signal.SIGKILL)
        stream.process.wait()


def drain(stream: Stream) -> None:
    """Begin it again and let it end by itself when nothing waits any more, as systemd would end it."""
    with stream:
        stream.until_looks("gate")
        stream.until(lambda: pending(stream.folder, before_last_run=True) == 0)
        assert stream.end() == 0


def pending(folder: Path, before_last_run: bool = False) -> int:
    """How many deliveries wait; `before_last_run`: only of events of earlier runs."""
    earlier = "event_id IN (SELECT id FROM events WHERE run != (SELECT run FROM events ORDER BY rowid DESC LIMIT 1))"
    with EventStore(folder / "events.sqlite", read_only=True) as store:
        where = f"state = 'pending'{f' AND {earlier}' if before_last_run else ''}"
        ((count,),) = store.database.rows(f"SELECT count(*) FROM deliveries WHERE {where}")
    return int(count)


def check_nothing_was_lost(folder: Path, ear: Ear) -> int:
    """Whether who listens was told of every event in the store, that it began and that it ended; how many there are."""
    with EventStore(folder / "events.sqlite", read_only=True) as store:
        events = store.events()
    assert all(event.ended_s is not None for event in events), "none is left open"
    wanted = {f"{event.id}:{what}" for event in events for what in ("raised", "cleared")}
    lines = [json.loads(line) for line in (folder / "told.jsonl").read_text().splitlines()]
    for told in (set(ear.ids), {line["id"] for line in lines}):
        alarms = {id for id in told if id.endswith((":raised", ":cleared"))}
        assert alarms == wanted
    return len(events)
