"""Every engine on a bundle's models, beside the engines' own benchmarks and what this processor can do at all.

    python -m benchmarks.inference BUNDLE [--json] [--picture FILE] [--quick] [--rounds N] [--seconds N]

Engine x precision x batch x threads: median and 99th percentile of a batch in milliseconds, images a second, peak
memory (the process's largest resident set, libraries and weights included), and the share of the limit: the network's
multiplications over the rate of a large product of matrices in the same precision, with as many threads. It is for
orientation: a convolution may exceed it (benchmarks.multiplications). Each configuration is a process of its own,
opened, warmed up and timed anew in every round; rounds go through all of them, every second one backwards. Percentiles
are over the calls of all rounds, rates and shares medians of the rounds.

Single frames are opened for latency and given one by one. Batches are opened for throughput and given as the stream
does, as many at a time as the engine takes requests: images a second are of all of them, percentiles of each by itself.
Precisions that a device only emulates (0004) are left out and named. --quick: batches of 1 and 8, the engines' own
choice of threads, two rounds.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import command_line
from benchmarks.command_line import Parser, ProgramError, exit_code
from benchmarks.inference_engine import Task
from benchmarks.inference_peers import Peer, missing, peers, read
from benchmarks.multiplications import gmac_a_frame
from edge_resnet import command
from edge_resnet.bundle import Bundle
from edge_resnet.hardware import cpu_name
from runtime import trust
from runtime.backends import precisions

QUICK_BATCHES, QUICK_THREADS = (1, 8), (0,)
_WEIGH_EVERY_S = 0.02


# GMAC a second of matrix products, by threads and precision.
Rates = dict[int, dict[str, float]]


@dataclass(frozen=True)
class Effort:
    """What is measured, and how long: `threads` 0 for the engine's own choice, `seconds` of a configuration a round."""

    batches: tuple[int, ...] = (1, 2, 4, 8)
    threads: tuple[int, ...] = (0, 1)
    rounds: int = 5
    seconds: float = 2.0


@dataclass
class Measured:
    """One configuration over all rounds. `side_by_side`: of a peer that keeps many requests of one frame under way.

    `requests`: batches under way at a time; None of a peer, which does not tell. `ms`: of each call, all rounds; of a
    peer there are only percentiles, `p50_ms` and `p99_ms`, a value a round, as are `images_per_s` and `peak_bytes`.
    `left_out`: why there are no more.
    """

    name: str
    precision: str
    batch: int
    threads: int
    side_by_side: bool = False
    requests: int | None = None
    ms: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    images_per_s: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)
    left_out: str = ""

    def row(self, gmac: float, rates: Sequence[Rates]) -> dict[str, Any]:
        """For people and for --json. `rates`: of each round."""
        # There is no product in fp16, which few processors compute in.
        limits = [rate[self.threads].get(self.precision) for rate in rates]
        shares = [gmac * each / limit for each, limit in zip(self.images_per_s, limits, strict=True) if limit]
        return {
            "name": self.name,
            "precision": self.precision,
            "batch": self.batch,
            "threads": self.threads,
            "side_by_side": self.side_by_side,
            "requests": self.requests,
            "p50_ms": self._percentile(50, self.p50_ms),
            "p99_ms": self._percentile(99, self.p99_ms),
            "images_per_s": round(statistics.median(self.images_per_s), 1),
            "peak_mb": round(max(self.peak_bytes) / 1e6),
            "of_limit": round(statistics.median(shares), 3) if shares else None,
        }

    def _percentile(self, percent: int, told: Sequence[float]) -> float | None:
        if self.ms:
            return round(float(np.percentile(self.ms, percent)), 2)
        return round(statistics.median(told), 2) if told else None


def ended(asked: Sequence[str]) -> tuple[str, int]:
    """Run a program to its end: what it wrote to standard output, and its largest resident set in bytes.

    Raises ProgramError with the end of what it said when it fails.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(asked, stdout=output, stderr=log)
        peak = 0
        try:
            while process.poll() is None:
                peak = max(peak, _peak_bytes(process.pid))
                time.sleep(_WEIGH_EVERY_S)
        finally:
            # It is over, but at Ctrl-C.
            process.kill()
            process.wait()
        for file in (output, log):
            file.seek(0)
        if process.returncode:
            raise ProgramError(f"{asked[0]} failed ({process.returncode}): {(log.read() or output.read())[-500:]}")
        return output.read(), peak


def _peak_bytes(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:")), 0)


def _child(what: dict[str, Any]) -> tuple[Any, int]:
    output, peak = ended([sys.executable, "-m", "benchmarks.inference_engine", json.dumps(what)])
    return json.loads(output.splitlines()[-1]), peak


def time_engine(task: Task, into: Measured) -> None:
    """One round of one of our engines."""
    try:
        told, peak = _child(asdict(task))
    except RuntimeError as error:
        into.left_out = str(error).strip().splitlines()[-1]
        return
    if told["runs"]["emulated"]:
        into.left_out = told["runs"]["note"]
        return
    into.requests = told["requests"]
    into.ms += told["ms"]
    into.images_per_s.append(task.batch * told["per_s"])
    into.peak_bytes.append(peak)


def time_peer(peer: Peer, into: Measured) -> None:
    """One round of a peer."""
    try:
        output, peak = ended(peer.command)
        said = read(peer.name, output)
    except RuntimeError as error:
        into.left_out = str(error).strip().splitlines()[-1]
        return
    into.p50_ms.append(said.p50_ms)
    into.p99_ms += [] if said.p99_ms is None else [said.p99_ms]
    into.images_per_s.append(said.images_per_s)
    into.peak_bytes.append(peak)


def measure(bundle: Bundle, effort: Effort, box: str) -> dict[str, Any]:
    """All configurations in rounds; what could not be measured is named."""
    turns: list[tuple[Measured, Callable[[Measured], None]]] = []
    for task in tasks(bundle, effort, box):
        row = Measured(task.backend, task.precision, task.batch, task.threads)
        turns.append((row, partial(time_engine, task)))
    for peer in peers(bundle, effort.threads, effort.seconds):
        row = Measured(peer.name, peer.precision, 1, peer.threads, peer.side_by_side)
        turns.append((row, partial(time_peer, peer)))
    rates: list[Rates] = []
    for number in range(effort.rounds):
        command.say(
            f"round {number + 1} of {effort.rounds}: {sum(not row.left_out for row, _ in turns)} configurations"
        )
        rates.append({threads: _child({"products": threads})[0] for threads in effort.threads})
        for row, turn in turns if number % 2 == 0 else reversed(turns):
            if not row.left_out:
                turn(row)
    gmac = gmac_a_frame(bundle.model_bytes("fp32"))
    rows = [row.row(gmac, rates) for row, _ in turns if not row.left_out]
    left_out = {f"{row.name} {row.precision}": row.left_out for row, _ in turns if row.left_out}
    return {
        "processor": cpu_name(),
        "input": f"{bundle.model.input.height}x{bundle.model.input.width}",
        "gmac_a_frame": round(gmac, 3),
        "gmac_per_s": _medians(rates),
        "rounds": effort.rounds,
        "rows": rows,
        "left_out": left_out | dict.fromkeys(missing(), "not installed here"),
    }


def tasks(bundle: Bundle, effort: Effort, box: str) -> list[Task]:
    """All configurations of the engines that `auto` chooses from here."""
    return [
        Task(str(bundle.folder), backend, precision, batch, threads, box, effort.seconds)
        for backend in trust.automatic()
        for precision in precisions(backend, bundle)
        for batch in effort.batches
        for threads in effort.threads
    ]


def _medians(rates: Sequence[Rates]) -> dict[int, dict[str, float]]:
    """Of the rounds, by threads and precision."""
    return {
        threads: {
            kind: round(statistics.median(each[threads][kind] for each in rates), 1) for kind in rates[0][threads]
        }
        for threads in rates[0]
    }


def show(answer: dict[str, Any]) -> None:
    """Print a table."""
    for threads, rates in answer["gmac_per_s"].items():
        told = ", ".join(f"{kind} {rate:.0f}" for kind, rate in rates.items())
        print(
            f"matrix products, threads {threads or 'auto'}: {told} GMAC/s; a frame takes {answer['gmac_a_frame']} GMAC"
        )
    print(
        f"{'':24}{'batch':>6}{'at once':>8}{'threads':>8}{'p50 ms':>9}{'p99 ms':>9}{'images/s':>9}{'peak MB':>8}"
        f"{'of limit':>9}"
    )
    for row in answer["rows"]:
        at_once = "many" if row["side_by_side"] else row["requests"] or 1
        p99 = "" if row["p99_ms"] is None else f"{row['p99_ms']:.1f}"
        limit = "" if row["of_limit"] is None else f"{100 * row['of_limit']:.0f}%"
        print(
            f"{row['name'] + ' ' + row['precision']:24}{row['batch']:>6}{at_once:>8}{row['threads'] or 'auto':>8}"
            f"{row['p50_ms']:>9.1f}{p99:>9}{row['images_per_s']:>9.1f}{row['peak_mb']:>8}{limit:>9}"
        )
    for name, why in answer["left_out"].items():
        print(f"left out: {name}: {why}")


def main() -> int:
    """Measure and print."""
    parser = Parser("inference", __doc__)
    usual = Effort()
    parser.add_argument("bundle", type=Path, help="its folder, as edge-resnet export writes it")
    parser.add_argument("--rounds", type=command_line.count, metavar="N", help=f"by default {usual.rounds}")
    parser.add_argument(
        "--seconds",
        type=command_line.seconds,
        metavar="S",
        help=f"of each configuration in each round; by default {usual.seconds:g}",
    )
    parser.add_argument("--quick", action="store_true", help="two minutes: two batches, two rounds")
    parser.add_argument("--picture", type=command_line.picture, metavar="FILE.png", help="images a second by batch")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    args = parser.parse_args()
    parser.not_beside_quick(args, "rounds", "seconds")
    effort = (
        Effort(QUICK_BATCHES, QUICK_THREADS, 2, 1.0)
        if args.quick
        else Effort(rounds=args.rounds or usual.rounds, seconds=args.seconds or usual.seconds)
    )
    bundle = Bundle.open(args.bundle)
    with tempfile.TemporaryDirectory() as box:
        answer = measure(bundle, effort, box)
    if args.picture is not None:
        from benchmarks.inference_picture import draw

        draw(answer, args.picture)
    if args.json:
        command.answer_json(answer)
    else:
        show(answer)
    return command.Exit.FINE


if __name__ == "__main__":
    sys.exit(exit_code(main))
