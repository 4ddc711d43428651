"""How fast each precision is on each engine, and how near to what the processor can do at all.

All engines in turns in one process, batch 1: python -m benchmarks.int8_speed [--json] [--rounds N] [--side PIXELS]. The
limit is ResNet-50's multiplications over the rate of a large product of u8 and s8 matrices, measured in the same turns.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import torch

from benchmarks.command_line import Parser, exit_code
from benchmarks.multiplications import GMAC, gmac_a_frame, products
from edge_resnet import command, runs
from edge_resnet.hardware import cpu_name
from edge_resnet.manifest import AlarmSpec, InputSpec, ModelSpec
from edge_resnet.model import build, store
from export.golden import drawn_frames
from export.int8.calibrate import Int8Request
from export.package import export_run
from runtime import trust
from runtime.backends import open_backend

BASELINE = ("onnxruntime", "fp32")
WANTED_SPEED_UP, WANTED_OF_LIMIT = 3.5, 1.15
_CALLS = 6
_WARM_UP = 2


def make_bundle(folder: Path, side: int) -> Path:
    """A bundle with all precisions; time does not depend on the weights."""
    spec = ModelSpec(
        labels=("normal", "fire"),
        background=("normal",),
        input=InputSpec(height=side, width=side),
        alarms={"fire": AlarmSpec(classes=("fire",))},
    )
    torch.manual_seed(0)
    store(build(2).eval(), spec, folder / runs.MODEL)
    frames = drawn_frames(spec.input, 8)
    export_run(folder, folder / runs.BUNDLE, int8=Int8Request(("drawn",), lambda: frames), golden_frames=frames)
    return folder / runs.BUNDLE


def seconds_a_call(call: Callable[[], object], calls: int) -> float:
    """The mean of a block of calls, after a warm-up of its own."""
    for _ in range(_WARM_UP):
        call()
    started = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - started) / calls


def measure(folder: Path, side: int, rounds: int) -> dict[str, object]:
    """Milliseconds a frame of every engine and precision, the limit, and what `auto` takes."""
    from edge_resnet.bundle import Bundle

    bundle = Bundle.open(make_bundle(folder, side))
    pairs = [BASELINE, ("onnxruntime", "int8"), ("openvino", "fp32"), ("openvino", "bf16"), ("openvino", "int8")]
    frame = drawn_frames(bundle.model.input, 1)
    times: dict[str, list[float]] = {}
    with ExitStack() as stack:
        calls: dict[str, Callable[[], object]] = {}
        for backend, precision in [*pairs, ("opencv", "fp32")]:
            opened = stack.enter_context(open_backend(backend, bundle, precision))
            calls[f"{backend} {precision}"] = lambda opened=opened: opened.infer(frame)
        with trust.choose(bundle, log=command.say) as chosen:
            auto = f"{chosen.describe().backend} {chosen.describe().precision}"
        (product,) = products("int8")
        for number in range(rounds):
            command.say(f"round {number + 1} of {rounds}")
            for name, call in calls.items():
                times.setdefault(name, []).append(seconds_a_call(call, _CALLS))
            times.setdefault("product", []).append(seconds_a_call(product, 1))
    rates = [GMAC / seconds for seconds in times.pop("product")]
    limits = [gmac_a_frame(bundle.model_bytes("fp32")) / rate for rate in rates]
    baseline = times[" ".join(BASELINE)]
    return {
        "processor": cpu_name(),
        "side": side,
        "rounds": rounds,
        "auto": auto,
        "int8_gmac_per_s": round(statistics.median(rates), 1),
        "limit_ms": round(1000 * statistics.median(limits), 2),
        "auto_of_limit": round(_ratio(times[auto], limits), 3),
        "rows": [
            {
                "name": name,
                "ms": round(1000 * statistics.median(taken), 2),
                "speed_up": round(_ratio(baseline, taken), 2),
            }
            for name, taken in times.items()
        ],
    }


def _ratio(numerators: list[float], denominators: list[float]) -> float:
    """The median over rounds of the ratio within a round."""
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))


def main() -> int:
    """Measure and print; 1 when a figure is under its bar."""
    parser = Parser("int8_speed", __doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        answer = measure(Path(folder), args.side, args.rounds)
    best = max(row["speed_up"] for row in answer["rows"])
    if args.json:
        command.answer_json(answer)
    else:
        for row in answer["rows"]:
            print(f"{row['name']:20} {row['ms']:7.2f} ms, {row['speed_up']:.2f} times {' '.join(BASELINE)}")
        print(
            f"auto takes {answer['auto']}: {answer['auto_of_limit']} times the limit of {answer['limit_ms']} ms "
            f"({answer['int8_gmac_per_s']} GMAC/s)"
        )
    return 0 if best >= WANTED_SPEED_UP and answer["auto_of_limit"] <= WANTED_OF_LIMIT else 1


if __name__ == "__main__":
    sys.exit(exit_code(main))
