"""What one camera costs beyond decoding and inference: the stream against a bare loop, at the same time.

    python -m benchmarks.stream BUNDLE CLIP [--json] [--seconds N] [--rounds N] [--rate N] [--backend B] [--precision P]

CLIP is a file of H.264 as IP cameras send it (1080p, 25 frames a second), which is sent by RTSP in real time, over and
over; or the rtsp:// address of a camera. Both sides are processes of their own that look at the camera with the same
decoder and engine. The bare loop grabs every frame, retrieves, resizes and infers those that are due, and does nothing
else; the stream is runtime.session.watch with all its defaults: gate, rules, near misses, evidence, ledger, store.
They look at it at the same time, since what a look costs on a virtual machine changes with its neighbours: in turns,
rounds differed by 40%.
Counted is the time of all processors from the first answer to the last of `--seconds`, so that neither loading nor
opening is in it, and divided by the looks. The overhead is the median over rounds of what the stream took more than the
loop in the same round, as a share of the loop's.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.bitstream import BitStreamFilterContext

from benchmarks import command_line
from benchmarks.cameras.program import Program
from benchmarks.command_line import Parser, ProgramError, exit_code
from edge_resnet import command, files
from edge_resnet.bundle import Bundle
from edge_resnet.errors import UserError
from edge_resnet.hardware import cpu_name
from edge_resnet.verdict import GATES
from runtime import trust
from runtime.backends.registry import NAMES
from runtime.cameras.shot import input_of
from runtime.config.settings import CameraSettings
from runtime.look import Look
from runtime.outputs.output import Output
from runtime.pace import Pace
from runtime.service.logs import Log
from runtime.session import Stopped, StreamOptions, watch
from runtime.sources import open_packets, open_source
from runtime.sources.address import Address
from runtime.sources.capture import OPEN_TIMEOUT_S, READ_TIMEOUT_S
from runtime.sources.frame import Source

BARE, OURS = "bare", "ours"
# The bar that the project set itself.
WANTED_OVERHEAD = 0.08
# Beyond the seconds that count, at most: for opening, and for a camera that does not come.
_PATIENCE_S = 60.0
_SERVED_WITHIN_S = 20.0
# What the server cuts a stream into frames by.
_DELIMITED = "h264_mp4toannexb,h264_metadata=aud=insert"


@dataclass(frozen=True)
class Task:
    """What both sides watch; `address` and `seconds` as in the module, `rate` in looks a second."""

    bundle: str
    address: str
    seconds: float
    rate: float
    backend: str
    precision: str
    box: str


@dataclass
class Meter:
    """The processor's time of this process at its looks, until `seconds` after the first."""

    seconds: float
    at: list[tuple[float, float]] = field(default_factory=list)

    def look(self) -> bool:
        """A frame was looked at; whether the time is over."""
        now = time.monotonic(), time.process_time()
        over = bool(self.at) and now[0] - self.at[0][0] > self.seconds
        if not over:
            self.at.append(now)
        return over

    def told(self) -> dict[str, float]:
        """What is compared."""
        (began_s, began_cpu_s), (ended_s, ended_cpu_s) = self.at[0], self.at[-1]
        return {"cpu_s": ended_cpu_s - began_cpu_s, "looks": len(self.at) - 1, "wall_s": ended_s - began_s}


class _Metered(Output):
    """Tells a meter of each look of the stream, and ends it when the time is over."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def look(self, look: Look) -> None:
        if self._meter.look():
            signal.raise_signal(signal.SIGTERM)


def bare(task: Task) -> Meter:
    """Decode every frame; resize and infer those that are due."""
    bundle = Bundle.open(Path(task.bundle))
    preprocess, pace = bundle.model.input.preprocess, Pace(task.rate)
    meter = Meter(task.seconds)
    with trust.choose(bundle, task.backend, task.precision, box=Path(task.box)) as backend:
        source = opened(Address.parse(task.address))
        while (time_s := source.grab()) is not None:
            if not pace.is_due(time_s):
                continue
            pace.take(time_s)
            picture = source.retrieve()
            if picture is not None:
                backend.infer(input_of(picture, preprocess)[np.newaxis])
                if meter.look():
                    break
        source.close()
    return meter


def opened(address: Address) -> Source:
    """A camera, read as the stream reads it by default."""
    decoder = CameraSettings(detect=address.target).packet_decoder
    if decoder is None:
        return open_source(address)
    return open_packets(address, OPEN_TIMEOUT_S, READ_TIMEOUT_S, decoder=decoder)


def ours(task: Task) -> Meter:
    """The stream."""
    meter = Meter(task.seconds)
    with tempfile.TemporaryDirectory() as folder:
        options = StreamOptions(
            cameras=(task.address,),
            bundle=Path(task.bundle),
            backend=task.backend,
            precision=task.precision,
            box=Path(task.box),
            rate_per_s=task.rate,
            events=Path(folder) / "events.sqlite",
            max_seconds=task.seconds + _PATIENCE_S,
        )
        with suppress(Stopped):
            watch(options, Log(), also=[_Metered(meter)])
    return meter


@contextmanager
def camera(clip: str, folder: Path) -> Iterator[str]:
    """The address of a camera that shows `clip`, over and over in real time. Raises UserError, ProgramError."""
    if Address.parse(clip).live:
        yield clip
        return
    stream = folder / "clip.h264"
    fps = _write_stream(Path(clip), stream)
    plays = [[str(stream), 0, sys.maxsize]]
    files.write_json(folder / "server.json", {"fps": fps, "cameras": [{"name": "clip", "plays": plays}]})
    asked = [sys.executable, "-m", "benchmarks.cameras.server", str(folder / "server.json")]
    with Program(asked, folder / "server.log") as server:
        if not server.until(lambda: bool(server.lines), _SERVED_WITHIN_S):
            raise ProgramError(f"the server does not begin: {server.log}")
        yield f"rtsp://127.0.0.1:{server.lines[0]['port']}/clip"


def _write_stream(clip: Path, path: Path) -> int:
    """Write the H.264 of a clip, as it is, with a delimiter before each frame; its frames a second."""
    with av.open(str(clip)) as container, path.open("wb") as file:
        video = container.streams.video[0]
        if video.codec_context.name != "h264":
            raise UserError(f"{clip}: {video.codec_context.name}, and the server sends H.264 alone; convert the clip")
        delimited = BitStreamFilterContext(_DELIMITED, video)
        for packet in container.demux(video):
            file.writelines(bytes(each) for each in delimited.filter(packet if packet.size else None))
        return round(video.average_rate or 25)


def run(side: str, task: Task) -> dict[str, float]:
    """A side in a process of its own. Raises ProgramError with the end of what it said."""
    asked = [sys.executable, "-m", "benchmarks.stream", "--side", side, "--task", json.dumps(asdict(task))]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProgramError(f"{side} failed ({done.returncode}): {done.stderr[-2000:]}")
    told: dict[str, float] = json.loads(done.stdout)
    return told


def measure(task: Task, rounds: int) -> dict[str, Any]:
    """All rounds, and what follows from them; before them the engine is proved and timed, once."""
    trust.choose(Bundle.open(Path(task.bundle)), task.backend, task.precision, box=Path(task.box)).close()
    told: dict[str, list[dict[str, float]]] = {BARE: [], OURS: []}
    with ThreadPoolExecutor(max_workers=2) as both:
        for number in range(rounds):
            command.say(f"round {number + 1} of {rounds}")
            for side, found in zip(told, both.map(partial(run, task=task), told), strict=True):
                told[side].append(found)
    ms_a_look = {side: [1000.0 * each["cpu_s"] / each["looks"] for each in runs] for side, runs in told.items()}
    overheads = [ours / bare - 1.0 for ours, bare in zip(ms_a_look[OURS], ms_a_look[BARE], strict=True)]
    return {
        "processor": cpu_name(),
        "task": asdict(task),
        "rounds": rounds,
        "looks": [int(each["looks"]) for each in told[OURS]],
        "bare_looks": [int(each["looks"]) for each in told[BARE]],
        "bare_cpu_ms_a_look": round(statistics.median(ms_a_look[BARE]), 2),
        "ours_cpu_ms_a_look": round(statistics.median(ms_a_look[OURS]), 2),
        "overhead": round(statistics.median(overheads), 4),
        "overheads": [round(each, 4) for each in overheads],
    }


def main() -> int:
    """Measure and print; 1 when the overhead is over the bar."""
    parser = Parser("stream", __doc__)
    parser.add_argument("bundle", type=Path, nargs="?", help="its folder, as edge-resnet export writes it")
    parser.add_argument("clip", nargs="?", help="a file of H.264, or rtsp://...")
    parser.add_argument("--seconds", type=command_line.seconds, metavar="S", default=60.0, help="of each side a round")
    parser.add_argument("--rounds", type=command_line.count, metavar="N", default=5, help="of both sides in turns")
    parser.add_argument("--rate", type=command_line.rate, metavar="N", default=5.0, help="looks a second")
    parser.add_argument("--backend", default=trust.AUTO, help=", ".join((trust.AUTO, *NAMES)))
    parser.add_argument("--precision", default=trust.AUTO, help=", ".join((trust.AUTO, *GATES)))
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--side", choices=(BARE, OURS), help=argparse.SUPPRESS)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        task = Task(**json.loads(args.task))
        command.answer_json((bare if args.side == BARE else ours)(task).told())
        return 0
    if args.bundle is None or args.clip is None:
        parser.error("BUNDLE and CLIP are needed")
    trust.check(Bundle.open(args.bundle), args.backend, args.precision, trust.AUTO)
    with tempfile.TemporaryDirectory() as folder, camera(args.clip, Path(folder)) as address:
        box = str(Path(folder) / "box")
        task = Task(str(args.bundle), address, args.seconds, args.rate, args.backend, args.precision, box)
        answer = measure(task, args.rounds)
    if args.json:
        command.answer_json(answer)
    else:
        print(
            f"a look and the frames before it: {answer['bare_cpu_ms_a_look']} ms of the processor for decoding and "
            f"inference alone, {answer['ours_cpu_ms_a_look']} ms for the stream: {100 * answer['overhead']:+.1f}% "
            f"(rounds: {', '.join(f'{100 * each:+.1f}%' for each in answer['overheads'])})"
        )
    return 0 if answer["overhead"] <= WANTED_OVERHEAD else 1


if __name__ == "__main__":
    sys.exit(exit_code(main))
