"""The engines' own benchmarks on a bundle's models, in the same turns: OpenVINO's benchmark_app, and ONNX Runtime's.

They know nothing of frames or answers: they fill the inputs with random values and never read the outputs.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.command_line import ProgramError
from edge_resnet.bundle import MODEL_FILES, Bundle
from runtime.backends.base import INPUT
from runtime.backends.registry import precisions, variant

OPENVINO, ONNXRUNTIME = "benchmark_app", "onnxruntime_perf_test"
_TYPES = {"fp32": "f32", "int8": "f32", "bf16": "bf16"}
_OPENVINO_SAYS = re.compile(r"Median:\s+([\d.]+) ms.*Throughput:\s+([\d.]+) FPS", re.DOTALL)
_ONNXRUNTIME_SAYS = re.compile(
    r"Number of inferences per second: ([\d.]+).*P50 Latency: ([\d.e-]+) s.*P99 Latency: ([\d.e-]+) s", re.DOTALL
)


@dataclass(frozen=True)
class Peer:
    """A program that measures one configuration, in requests of one frame.

    `side_by_side`: many at a time, so that what counts is images a second; else one as soon as possible.
    """

    name: str
    precision: str
    threads: int
    side_by_side: bool
    command: Sequence[str]


@dataclass(frozen=True)
class Said:
    """What a peer says of itself; `p99_ms` None where it does not tell."""

    p50_ms: float
    p99_ms: float | None
    images_per_s: float


def peers(bundle: Bundle, threads: Sequence[int], seconds: float) -> list[Peer]:
    """Those that are installed here, in each precision; each is to measure for so many seconds."""
    found: list[Peer] = []
    if (program := _beside_python()).is_file():
        for precision in (each for each in precisions("openvino", bundle) if each in _TYPES):
            for count in threads:
                found += [_of_openvino(program, bundle, precision, count, seconds, many) for many in (False, True)]
    if (other := shutil.which(ONNXRUNTIME)) is not None:
        for precision in (each for each in precisions("onnxruntime", bundle) if each in _TYPES):
            found += [_of_onnxruntime(Path(other), bundle, precision, count, seconds) for count in threads]
    return found


def missing() -> list[str]:
    """The names of those that are not installed here."""
    there = {OPENVINO: _beside_python().is_file(), ONNXRUNTIME: shutil.which(ONNXRUNTIME) is not None}
    return [name for name, found in there.items() if not found]


def read(name: str, output: str) -> Said:
    """What its output says. Raises ProgramError when it says no such thing."""
    if name == OPENVINO and (found := _OPENVINO_SAYS.search(output)):
        return Said(float(found[1]), None, float(found[2]))
    if name == ONNXRUNTIME and (found := _ONNXRUNTIME_SAYS.search(output)):
        return Said(1000.0 * float(found[2]), 1000.0 * float(found[3]), float(found[1]))
    raise ProgramError(f"{name} told no times: {output[-500:]}")


def _beside_python() -> Path:
    """Where pip puts the program that comes with OpenVINO."""
    return Path(sys.executable).with_name(OPENVINO)


def _model(bundle: Bundle, backend: str, precision: str) -> str:
    return str(bundle.folder / MODEL_FILES[variant(backend, precision)])


def _of_openvino(program: Path, bundle: Bundle, precision: str, threads: int, seconds: float, many: bool) -> Peer:
    side = bundle.model.input
    hint, api = ("throughput", "async") if many else ("latency", "sync")
    command = [str(program), "-m", _model(bundle, "openvino", precision), "-d", "CPU", "-hint", hint, "-api", api]
    command += ["-infer_precision", _TYPES[precision], "-shape", f"{INPUT}[1,{side.height},{side.width},3]"]
    command += ["-t", str(max(1, round(seconds))), *(("-nthreads", str(threads)) if threads else ())]
    return Peer(OPENVINO, precision, threads, many, command)


def _of_onnxruntime(program: Path, bundle: Bundle, precision: str, threads: int, seconds: float) -> Peer:
    # -I: made-up inputs; -f: the size of what the graph leaves open.
    command = [str(program), "-e", "cpu", "-I", "-f", "N:1", "-x", str(threads), "-m", "duration"]
    command += ["-t", str(max(1, round(seconds))), _model(bundle, "onnxruntime", precision)]
    return Peer(ONNXRUNTIME, precision, threads, False, command)
