"""What programs do when a camera fails: ours, OpenCV's plain loop and ultralytics' loader, on the same real servers.

Each program watches one RTSP camera with its own defaults, has watched it for two seconds, and then the camera fails.
Told: when it first said so (a warning or an incident; a read that fails; its end). Meanwhile: what it took for good
pictures, from a second on; repeats: how many were the picture before once more. All zero: pictures of nothing but 0.
Again: when a picture came that was new, once the camera was well and the fault was told.

    python -m benchmarks.faults [--ultralytics PYTHON] [--only FAULT ...]

PYTHON: of an environment that has that package. A real RTSP server is needed (make packages), and a quiet machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.command_line import Parser, exit_code
from tests.rig.proxy import Proxy
from tests.rig.rtsp import RtspServer
from tests.rig.rtsp import Stream as Sent
from tests.rig.stream import ROOT, Stream

OURS, OPENCV, ULTRALYTICS = "edge-resnet", "OpenCV", "ultralytics"
SNOW = Sent(pattern="snow", width=320, height=180)
_BEFORE_S, _LOOK_EVERY_S = 2.0, 0.02
# Longer than the two half minutes that OpenCV waits.
_PATIENCE_S = 65.0
_AGAIN_WITHIN_S = 15.0
# What was sent before the fault is still on its way.
_ON_ITS_WAY_S = 1.0
# A camera that is well at once, but another, is looked at for so long.
_AFTERWARDS_S = 5.0

Watch = Callable[[str], AbstractContextManager["Seen"]]


@dataclass
class Seen:
    """What a program gave: when (seconds of the monotonic clock), and what (picture, same, zero, fault, ended)."""

    lines: list[tuple[float, str]] = field(default_factory=list)

    def first(self, since_s: float, *kinds: str) -> float | None:
        """Seconds from `since_s` to the first of such kinds."""
        return next((at_s - since_s for at_s, what in list(self.lines) if at_s >= since_s and what in kinds), None)

    def told(self, since_s: float) -> float | None:
        """Seconds from `since_s` until the program showed that something is wrong."""
        return self.first(since_s, "fault", "ended")

    def count(self, what: str, since_s: float, until_s: float) -> int:
        """How many between two moments."""
        return sum(since_s <= at_s < until_s and each == what for at_s, each in list(self.lines))


@contextmanager
def peer(module: str, url: str, python: str = sys.executable) -> Iterator[Seen]:
    """A program of benchmarks.peers, as long as the block runs."""
    seen = Seen()
    command = [python, "-m", f"benchmarks.peers.{module}", url]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    pipe = process.stdout

    def read() -> None:
        for line in pipe:
            if line.startswith("{"):
                told = json.loads(line)
                seen.lines.append((told["at_s"], told["what"]))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield seen
    finally:
        process.kill()
        process.wait()
        thread.join()


@contextmanager
def ours(url: str) -> Iterator[Seen]:
    """Our program with a stand-in for the network, as long as the block runs."""
    seen, ending = Seen(), threading.Event()
    with tempfile.TemporaryDirectory() as folder, Stream(Path(folder), {"camera": {"detect": url}}) as stream:

        def look() -> None:
            lines = logged = 0
            while not ending.wait(_LOOK_EVERY_S):
                now_s = time.monotonic()
                new, lines = stream.lines[lines:], len(stream.lines)
                faults, logged = stream.log[logged:], len(stream.log)
                began = [line for line in new if line["type"] == "incident" and line["what"] == "began"]
                said = [entry for entry in faults if entry.get("reason") or entry["event"] == "camera hangs"]
                seen.lines += [(now_s, "fault")] * (len(began) + len(said))
                seen.lines += [(now_s, "picture") for line in new if line["type"] == "look"]

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield seen
        finally:
            ending.set()
            thread.join()


@dataclass(frozen=True)
class Fault:
    """How a camera fails and is well again. `lasts_s`: None until it is told. `before`: already before it is opened."""

    begin: Callable[[RtspServer, Proxy], None]
    end: Callable[[RtspServer, Proxy], None] = lambda server, proxy: None
    lasts_s: float | None = 0.0
    before: bool = False
    sent: Sent = SNOW
    password: str | None = None


def _heal(server: RtspServer, proxy: Proxy) -> None:
    proxy.heal()
    proxy.cut()


FAULTS = {
    "killed": Fault(lambda server, proxy: server.kill(), lambda server, proxy: server.restart(), 5.0),
    "half-open-before": Fault(lambda server, proxy: proxy.stall(), _heal, None, before=True),
    "half-open-after": Fault(lambda server, proxy: proxy.stall(), _heal, None),
    "payload": Fault(lambda server, proxy: proxy.corrupt(0.01, 6), lambda server, proxy: proxy.heal(), 10.0),
    "framing": Fault(lambda server, proxy: proxy.corrupt(0.05, 6, True), lambda server, proxy: proxy.heal(), 10.0),
    "size": Fault(lambda server, proxy: server.reshape(640, 360, 10)),
    "codec": Fault(lambda server, proxy: server.replace(Sent(codec="h265", pattern="snow", width=480, height=270))),
    "black": Fault(lambda server, proxy: server.show("black"), lambda server, proxy: server.show("snow"), 15.0),
    "frozen": Fault(lambda server, proxy: server.show("checkers-8"), lambda server, proxy: server.show("snow"), 40.0),
    "password": Fault(
        lambda server, proxy: None, lasts_s=5.0, before=True, sent=Sent(user="u", password="p"), password="wrong"
    ),
}


def _wait(holds: Callable[[], bool], patience_s: float) -> None:
    until_s = time.monotonic() + patience_s
    while not holds() and time.monotonic() < until_s:
        time.sleep(_LOOK_EVERY_S)


def suffer(fault: Fault, watch: Watch) -> str:
    """One program, one fault: what came of it, in a line."""
    with ExitStack() as stack:
        server = stack.enter_context(RtspServer(fault.sent))
        proxy = stack.enter_context(Proxy(server.port))
        if fault.before:
            fault.begin(server, proxy)
        began_s = time.monotonic()
        seen = stack.enter_context(watch(proxy.through(server.url(fault.password))))
        if not fault.before:
            _wait(lambda: seen.first(0.0, "picture") is not None, _PATIENCE_S)
            time.sleep(_BEFORE_S)
            began_s = time.monotonic()
            fault.begin(server, proxy)
        if fault.lasts_s is None:
            _wait(lambda: seen.told(began_s) is not None, _PATIENCE_S)
        else:
            time.sleep(fault.lasts_s)
        well_s = time.monotonic()
        fault.end(server, proxy)
        until_s = began_s + _AFTERWARDS_S if fault.lasts_s == 0.0 else well_s
        time.sleep(max(0.0, until_s - time.monotonic()))
        since_s = max(well_s, began_s + (seen.told(began_s) or _ON_ITS_WAY_S))
        _wait(lambda: seen.first(since_s, "picture") is not None, _AGAIN_WITHIN_S)
    again_s = seen.first(since_s, "picture")
    new, same = (seen.count(what, began_s + _ON_ITS_WAY_S, until_s) for what in ("picture", "same"))
    return (
        f"told {_seconds(seen.told(began_s))}; meanwhile {new + same} pictures, {same} of them repeats; "
        f"all zero {seen.count('zero', began_s, time.monotonic())}; "
        f"again {_seconds(None if again_s is None else since_s + again_s - well_s)}"
        f"{'; ended' if seen.first(began_s, 'ended') is not None else ''}"
    )


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"after {seconds:.1f} s"


def main() -> None:
    """Print what each program made of each fault."""
    parser = Parser("faults", __doc__)
    parser.add_argument("--ultralytics", metavar="PYTHON", help="Of an environment that has ultralytics.")
    parser.add_argument("--only", nargs="+", choices=FAULTS, default=list(FAULTS))
    arguments = parser.parse_args()
    programs: dict[str, Watch] = {OURS: ours, OPENCV: lambda url: peer("opencv_stream", url)}
    if arguments.ultralytics:
        programs[ULTRALYTICS] = lambda url: peer("ultralytics_stream", url, arguments.ultralytics)
    for name in arguments.only:
        for program, watch in programs.items():
            print(f"{name:17} {program:12} {suffer(FAULTS[name], watch)}", flush=True)


if __name__ == "__main__":
    sys.exit(exit_code(main))
