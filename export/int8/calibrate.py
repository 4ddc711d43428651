"""Calibration, once: the table of an earlier bundle where its key fits, else both passes of the collector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import onnx

from edge_resnet.errors import UserError
from edge_resnet.hardware import saturates_int8
from edge_resnet.manifest import InputSpec
from edge_resnet.preprocess import Frame
from edge_resnet.progress import Step
from export.int8 import calibration
from export.int8.calibration import CALIBRATION, Calibration, key_of
from export.int8.collect import collect, engine, quantised_tensors
from export.int8.histogram import Histogram
from export.int8.quantise import FULL_RANGE, REDUCED_RANGE
from export.int8.thresholds import Method
from runtime.backends.registry import version

# The most equal answers on 4,000 pictures, in both files (docs/results.md).
DEFAULT_METHOD: Method = "mse"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Int8Request:
    """What INT8 is made from.

    `hashes`: SHA-256 of each calibration picture's file. `frames`: decodes them when they are needed, N x H x W x 3,
    uint8, BGR, of the network's input size. `earlier`: a bundle whose table may fit. `plots`: where to draw the curves.
    """

    hashes: tuple[str, ...]
    frames: Callable[[], Frame]
    method: Method = DEFAULT_METHOD
    earlier: Path | None = None
    plots: Path | None = None


@dataclass(frozen=True)
class Calibrated:
    """The table, and the histograms that it was made from; None when the table of an earlier bundle was used."""

    table: Calibration
    histograms: dict[str, Histogram] | None


def calibrate(
    model: onnx.ModelProto, weights_sha256: str, spec: InputSpec, request: Int8Request, say: Say, progress: Step
) -> Calibrated:
    """The table for an fp32 model (see export.graph). Raises UserError, and BackendError without an ONNX engine."""
    key = key_of(weights_sha256, spec, list(request.hashes))
    if request.plots is None and (table := _earlier(model, key, request, say)) is not None:
        return Calibrated(table, None)
    name = engine()
    frames = request.frames()
    histograms = collect(model, frames, progress)
    told = f"{name} {version(name)}"
    return Calibrated(calibration.tabulate(key, len(frames), told, histograms), histograms)


def largest_weight(say: Say) -> int:
    """127, or 63 on a processor whose eight-bit products saturate; that is said."""
    if not saturates_int8():
        return FULL_RANGE
    say("this processor has no VNNI: INT8 weights are written in reduced range (7 bits), which costs some accuracy")
    return REDUCED_RANGE


def _earlier(model: onnx.ModelProto, key: str, request: Int8Request, say: Say) -> Calibration | None:
    """The table of an earlier bundle when it is whole and its key fits, else None; what is wrong with it is said."""
    if request.earlier is None or not (path := request.earlier / CALIBRATION).is_file():
        return None
    try:
        table = calibration.read(path)
    except UserError as error:
        say(f"{error}; calibrating again")
        return None
    if table.key != key or set(table.tensors) != set(quantised_tensors(model)):
        say("the earlier calibration was for other weights, preprocessing or pictures; calibrating again")
        return None
    say(f"calibration: the table of {path} fits and is used again")
    return table
